// Anteroom: in a crowd, keeps connections as bare sockets until their first request is complete. Node and Fastify need four
// times the memory per request, and strangers who begin a request without ending it never get that far.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createWaitingBodies, giveBack, noBytes, smallBytes, tooMany, type WaitingBody } from './waiting-bodies.ts'

/** A larger request, or one in more pieces, goes on to Node's parser, which has limits of its own. */
const [maxBytes, maxPieces] = [smallBytes, 64]
/** Node's own limit for headers (`--max-http-header-size`). */
const maxHeadBytes = 16 * 1024
const lookEveryMs = 250

/** A connection whose first request is not complete yet. */
interface Guest extends WaitingBody {
  /** Bytes and pieces received so far; `bytes` may be longer than `size`. */
  size: number
  pieces: number
  /** Length of the complete request in bytes, once the headers tell. */
  needed: number | undefined
  /** Time of the connection, in ms. */
  since: number
}

/**
 * Passes a connection on to `serve` once its request is complete, or needs the parser's judgement. One that takes longer than
 * `patienceMs` is closed.
 */
export function createAnteroom(
  server: Server,
  serve: (socket: Socket, isWhole: boolean) => void,
  patienceMs = server.requestTimeout
) {
  // In order of arrival.
  const guests = new Map<Socket, Guest>()
  const room = createWaitingBodies(performance)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  // One function for all sockets: thousands of closures would cost a tenth of the memory saved.
  function onData(this: Socket, piece: Buffer): void {
    const guest = guests.get(this)
    if (guest === undefined) return
    // Nearly every request arrives in one piece.
    if (guest.size === 0) guest.needed = neededOf(piece)
    if (guest.size === 0 && isWhole(piece, guest.needed)) admit(this, piece, guest.needed > 0)
    else if (guest.size > 0 && guest.bytes === noBytes) refuse(this, tooMany())
    else take(this, guest, piece)
  }

  function take(socket: Socket, guest: Guest, piece: Buffer): void {
    const { bytes, size } = guest
    guest.pieces += 1
    guest.size += piece.length
    if (guest.size > maxBytes || guest.pieces > maxPieces) {
      admit(socket, Buffer.concat([bytes.subarray(0, size), piece]), false)
      return
    }
    room.add(guest, size, piece, maxBytes)
    const said = guest.bytes.subarray(0, guest.size)
    guest.needed ??= neededOf(said)
    if (isWhole(said, guest.needed)) admit(socket, said, guest.needed > 0)
  }

  function admit(socket: Socket, bytes: Buffer, isWhole: boolean): void {
    leave(socket)
    // The parser then reads the bytes as if they had just arrived.
    socket.pause()
    socket.unshift(bytes)
    serve(socket, isWhole)
    socket.resume()
  }

  function leave(socket: Socket): void {
    const guest = guests.get(socket)
    if (guest === undefined) return
    room.release(guest)
    guests.delete(socket)
    socket.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError)
  }

  /** Forgets a connection and frees the bytes of its request. */
  function abandon(socket: Socket): void {
    const guest = guests.get(socket)
    leave(socket)
    if (guest !== undefined) room.abandon(guest)
  }

  /** Answers through the server's `clientError` handler. */
  function refuse(socket: Socket, error: Error): void {
    abandon(socket)
    socket.on('error', onError).on('data', giveBack)
    server.emit('clientError', error, socket)
  }

  function onEnd(this: Socket): void {
    this.destroy()
  }

  function onClose(this: Socket): void {
    abandon(this)
  }

  // Node closes the socket after an error.
  function onError(): void {}

  function look(): void {
    const now = performance.now()
    for (const [socket, { since }] of guests) {
      if (now - since < patienceMs) break
      refuse(socket, Object.assign(new Error('the request took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }))
    }
    if (guests.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    /** Keeps `socket` until its request is complete. */
    receive(socket: Socket): void {
      if (isClosed) return void socket.destroy()
      guests.set(socket, { bytes: noBytes, at: 0, size: 0, pieces: 0, needed: undefined, since: performance.now() })
      timer ??= setInterval(look, lookEveryMs).unref()
      socket.on('error', onError).on('close', onClose).on('end', onEnd).on('data', onData)
    },
    /** Closes all waiting connections, and those that arrive later. */
    close(): void {
      isClosed = true
      for (const socket of guests.keys()) socket.destroy()
    }
  }
}

/**
 * The length of the first request in bytes; undefined while that is unknown; 0 if the parser has to judge: bytes that are not
 * HTTP, headers that are too long, and clients that wait for "100 Continue" before they send a body.
 */
function neededOf(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return bytes.length <= maxHeadBytes && isLetter(bytes[0]) ? undefined : 0
  const head = bytes.toString('latin1', 0, end)
  if (/^expect[ \t]*:/im.test(head)) return 0
  // The last chunk is empty. A body may contain the same bytes: then the parser waits for the rest.
  if (/^transfer-encoding[ \t]*:/im.test(head))
    return /\r\n0+[ \t]*[;\r]/.test(bytes.toString('latin1', end + 2)) ? 0 : undefined
  const [, length = '0'] = /^content-length[ \t]*:[ \t]*(\d+)/im.exec(head) ?? []
  return end + 4 + Number(length)
}

function isWhole({ length }: Buffer, needed: number | undefined): needed is number {
  return needed !== undefined && needed <= length
}

function isLetter(byte = 0): boolean {
  return byte >= 0x41 && byte <= 0x5a
}
