// Anteroom: keeps connections of a crowd as bare sockets until the first request on them is whole. What Node and Fastify make for a
// request takes four times as much, and strangers who begin one and never end it do not get so far.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createWaitingBodies, giveBack, noBytes, smallBytes, tooMany, type WaitingBody } from './waiting-bodies.ts'

/** What is larger or comes in more pieces is not kept from the parser, which has limits of its own. */
const [maxBytes, maxPieces] = [smallBytes, 64]
/** As Node has it for headers (`--max-http-header-size`). */
const maxHeadBytes = 16 * 1024
const lookEveryMs = 250

/** A connection whose first request is not whole. */
interface Guest extends WaitingBody {
  /** How many bytes and pieces have come; of `bytes` there may be more. */
  size: number
  pieces: number
  /** How many bytes are a whole request, as soon as its headers say so. */
  needed: number | undefined
  /** When it came, in ms. */
  since: number
}

/** Hands a connection to `serve` when its request is whole, or for the parser to judge. One that takes longer than `patienceMs` is closed. */
export function createAnteroom(
  server: Server,
  serve: (socket: Socket, isWhole: boolean) => void,
  patienceMs = server.requestTimeout
) {
  // In the order in which they came.
  const guests = new Map<Socket, Guest>()
  const room = createWaitingBodies(performance)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  // One of each for all: thousands of closures would be a tenth of what is saved.
  function onData(this: Socket, piece: Buffer): void {
    const guest = guests.get(this)
    if (guest === undefined) return
    // As nearly all do: what comes first is all of it.
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
    // It is read as if it had only now come.
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

  /** What came of its request is not wanted any more. */
  function abandon(socket: Socket): void {
    const guest = guests.get(socket)
    leave(socket)
    if (guest !== undefined) room.abandon(guest)
  }

  /** Answers what the server's `clientError` answers. */
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

  // The connection is closed by itself.
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
    /** Keeps `socket` until it asks for something. */
    receive(socket: Socket): void {
      if (isClosed) return void socket.destroy()
      guests.set(socket, { bytes: noBytes, at: 0, size: 0, pieces: 0, needed: undefined, since: performance.now() })
      timer ??= setInterval(look, lookEveryMs).unref()
      socket.on('error', onError).on('close', onClose).on('end', onEnd).on('data', onData)
    },
    /** Closes all that are in it, and who comes after. */
    close(): void {
      isClosed = true
      for (const socket of guests.keys()) socket.destroy()
    }
  }
}

/**
 * How many bytes are the first request; undefined while that cannot be said, and none of what is for the parser to judge: bytes
 * that are not HTTP, too many headers, and who sends a body only after it was told to continue.
 */
function neededOf(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return bytes.length <= maxHeadBytes && isLetter(bytes[0]) ? undefined : 0
  const head = bytes.toString('latin1', 0, end)
  if (/^expect[ \t]*:/im.test(head)) return 0
  // The last chunk is empty. Where a body has the same bytes, the parser waits for the rest.
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
