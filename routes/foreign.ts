// Foreign: recognises by its first bytes what is spoken to this port by mistake, and says how that comes about.

/** Label values of the metric. */
export type Foreign = 'tls' | 'proxy' | 'http2'

/** The words for the log, and for the client as far as it can read them. */
export const foreign: Record<Foreign, { log: string; answer: string }> = {
  tls: {
    log: 'a client spoke TLS to this port, which speaks plain HTTP: does its address begin with https:// instead of http://?',
    answer: 'this is not HTTP'
  },
  proxy: {
    log: 'what is in front of this port begins with the PROXY protocol, which is not spoken here: turn it off there',
    answer:
      'this begins with the PROXY protocol, which the relay does not speak: turn it off in the load balancer or proxy in front of it'
  },
  http2: {
    log: 'HTTP/2 without TLS was spoken to this port, which speaks HTTP/1.1: does the Service or a proxy in front name it http2, h2c or grpc?',
    answer: 'this is HTTP/2 without TLS, and the relay speaks HTTP/1.1: set that in the proxy in front of it'
  }
}

/** RFC 8446, 5.1; haproxy.org/download/3.2/doc/proxy-protocol.txt, both versions; RFC 9113, 3.4. */
const beginnings: readonly [bytes: Buffer, what: Foreign][] = [
  [Buffer.from([0x16]), 'tls'],
  [Buffer.from('PROXY '), 'proxy'],
  [Buffer.from('\r\n\r\n\0\r\nQUIT\n'), 'proxy'],
  [Buffer.from('PRI * HTTP/2.0\r\n'), 'http2']
]

/** The protocol of bytes that are not HTTP; undefined if it is unknown. */
export function foreignIn(packet: unknown): Foreign | undefined {
  if (!Buffer.isBuffer(packet)) return undefined
  return beginnings.find(([bytes]) => packet.subarray(0, bytes.length).equals(bytes))?.[1]
}
