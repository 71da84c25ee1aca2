// Connections: bounds the memory of all that are open. Whoever has asked for nothing for longest makes room, so that no crowd
// of strangers keeps out who has something to ask.
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const kibibyte = 1024
/** What Node and Fastify take for one that has never asked, and for one that has or is about to; measured. */
const [silentBytes, askingBytes] = [9 * kibibyte, 15 * kibibyte]
/** 8,055 that ask, or 13,425 that say nothing. */
const maxBytes = 118 * 1024 * kibibyte

/** Whether a connection has asked for something, and the answer that is being made. */
type Stage = 'silent' | 'answered' | ServerResponse

/**
 * Lets connections take at most `max` bytes together, and calls `closed` for each that makes room. Who waits for the answer to
 * a whole request is not among them.
 */
export function limitConnections(server: Server, closed: () => void, max = maxBytes): void {
  // In the order in which they came.
  const open = new Map<Socket, Stage>()
  let bytes = 0

  function leave(socket: Socket): void {
    const stage = open.get(socket)
    if (stage === undefined) return
    bytes -= stage === 'silent' ? silentBytes : askingBytes
    open.delete(socket)
  }

  function makeRoom(): void {
    if (bytes <= max) return
    for (const [socket, stage] of open) {
      if (typeof stage === 'object' && isAwaited(stage)) continue
      // Not when it has closed: until then it would be closed again for the next.
      leave(socket)
      socket.destroy()
      closed()
      if (bytes <= max) return
    }
  }

  server.on('connection', (socket) => {
    open.set(socket, 'silent')
    bytes += silentBytes
    socket.once('close', () => leave(socket))
    makeRoom()
  })
  server.on('request', ({ socket }, response) => {
    const stage = open.get(socket)
    if (stage === undefined) return
    if (stage === 'silent') bytes += askingBytes - silentBytes
    open.set(socket, response)
    // Kept until the next request, each would outlive a collection of the young generation, with all that hangs on it.
    response.once('finish', () => {
      if (open.has(socket)) open.set(socket, 'answered')
    })
    makeRoom()
  })
}

/** An answer that has begun is not: it might be to somebody who never reads it. */
function isAwaited({ req, headersSent }: ServerResponse): boolean {
  return req.complete && !headersSent
}
