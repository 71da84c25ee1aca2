// Connections: bounds the memory of all open connections. The oldest one without a request under way makes room, so that a
// crowd of strangers cannot keep out anyone who has a request.
import { readFileSync } from 'node:fs'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createAnteroom } from './anteroom.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
/**
 * Measured memory of a connection in the anteroom, of one in Node that has not sent a request, and of one that has or is about
 * to.
 */
const [waitingBytes, silentBytes, askingBytes] = [5 * kibibyte, 9 * kibibyte, 15 * kibibyte]
/** Memory of a connection in a crowd whose request is too large for the anteroom, garbage not yet collected included. */
const heavyBytes = 48 * kibibyte

/** Open files reserved for the database, posts and reading; half of the limit if that is lower. */
const keptFiles = 512

/** What a connection is doing; a ServerResponse stands for the answer under way. */
type Stage = 'waiting' | 'silent' | 'answered' | ServerResponse

interface Limits {
  /** Enough for 8,055 connections with a request, or for 22,000 of which nearly all wait in the anteroom. */
  maxBytes?: number
  /** Above this, connections count as a crowd: 1,000 with a request. */
  crowdBytes?: number
  /** A connection takes a file descriptor. Once the system has none left, it refuses everybody. */
  maxOpen?: number
}

/**
 * Bounds the memory that connections take together, and calls `closed` for each that is closed to make room. A connection that
 * waits for the answer to a complete request is never closed. Returns a function that, at a stop, closes those in the anteroom.
 */
export function limitConnections(
  server: Server,
  closed: () => void,
  { maxBytes = 118 * mebibyte, crowdBytes = 15 * mebibyte, maxOpen = openAtMost() }: Limits = {}
): () => void {
  // Oldest first: by arrival, by leaving the anteroom, or in a crowd by the last answer.
  const open = new Map<Socket, Stage>()
  let bytes = 0
  const [listener] = server.listeners('connection')
  if (listener === undefined) throw new Error('Node serves connections in another way')
  server.removeAllListeners('connection')
  const heavy = new WeakSet<Socket>()
  const anteroom = createAnteroom(server, (socket, isWhole) => {
    leave(socket)
    if (!isWhole) heavy.add(socket)
    enter(socket, 'silent')
    listener.call(server, socket)
  })

  function bytesOf(socket: Socket): number {
    const stage = open.get(socket)
    if (stage === undefined) return 0
    if (stage === 'waiting') return waitingBytes
    if (heavy.has(socket)) return heavyBytes
    return stage === 'silent' ? silentBytes : askingBytes
  }

  function enter(socket: Socket, stage: Stage): void {
    bytes -= bytesOf(socket)
    open.set(socket, stage)
    bytes += bytesOf(socket)
  }

  function leave(socket: Socket): void {
    bytes -= bytesOf(socket)
    open.delete(socket)
  }

  function onClose(this: Socket): void {
    leave(this)
  }

  const fits = () => bytes <= maxBytes && open.size <= maxOpen

  function makeRoom(): void {
    if (fits()) return
    for (const [socket, stage] of open) {
      if (typeof stage === 'object' && isAwaited(stage)) continue
      // Forgotten now, not when `close` is emitted: until then the next arrival would count and close it again.
      leave(socket)
      socket.destroy()
      closed()
      if (fits()) return
    }
  }

  server.on('connection', (socket) => {
    socket.on('close', onClose)
    if (bytes > crowdBytes) {
      enter(socket, 'waiting')
      anteroom.receive(socket)
    } else {
      enter(socket, 'silent')
      listener.call(server, socket)
    }
    makeRoom()
  })
  server.on('request', ({ socket }, response) => {
    if (!open.has(socket)) return
    enter(socket, response)
    // An open connection that held its response until the next request would keep it, and everything it refers to, in the old
    // generation.
    response.once('finish', () => {
      if (!open.has(socket)) return
      // In a crowd, a sender that reuses its connection stands behind those that have asked for nothing since. Only then: a Map
      // with deletions grows a new table every few requests, and a dead table in the old generation keeps what it held.
      if (bytes > crowdBytes) open.delete(socket)
      open.set(socket, 'answered')
    })
    makeRoom()
  })
  return anteroom.close
}

/**
 * Half of the open-file limit that Linux reports, or all but `keptFiles`. Node has already raised the limit as far as it may;
 * on other systems there is no such bound.
 */
function openAtMost(): number {
  let limits = ''
  try {
    limits = readFileSync('/proc/self/limits', 'utf8')
  } catch {}
  const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  return Math.max(files / 2, files - keptFiles)
}

/**
 * True if a complete request still waits for its answer. An answer that has begun does not count: its client may never read it.
 */
function isAwaited({ req, headersSent }: ServerResponse): boolean {
  return req.complete && !headersSent
}
