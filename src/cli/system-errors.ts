// System errors: says what the operating system refused, and what to write instead.

/** Explains an error of the system; undefined if its own words have to do. */
export function saySystemError(error: NodeJS.ErrnoException & Place): string | undefined {
  const { code, path, syscall } = error
  if (syscall === 'listen' || syscall === 'getaddrinfo') return sayListening(error)
  if (code === 'ENOENT' && path) return `there is no such file: ${path}`
  if (code === 'EACCES' && path) return `this user may not read or write ${path}`
  // The system does not say which folder.
  if (code === 'EISDIR') return 'a folder was given where a file is needed; name the file in it'
  return undefined
}

interface Place {
  address?: string
  port?: number
  hostname?: string
}

const hosts = '0.0.0.0 is all of its addresses, :: those of IPv6 as well, 127.0.0.1 for nobody but itself'

/** Explains why the relay cannot listen at HOST and PORT. */
function sayListening({ code, address, port = 0, hostname = address }: NodeJS.ErrnoException & Place): string {
  if (code === 'EADDRINUSE')
    return `something else is on port ${port} (EADDRINUSE): stop it, or take another with PORT=${port + 1}`
  if (code === 'EACCES')
    return `this user may not listen on port ${port} (EACCES): take a higher one, such as PORT=8080`
  const bare = /^\[(.*)\]$/.exec(hostname ?? '')?.[1]
  if (bare !== undefined) return `HOST=${hostname}: brackets belong into URLs; write HOST=${bare}`
  return `HOST=${hostname} is not an address of this machine (${code}): ${hosts}`
}
