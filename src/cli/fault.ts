// Fault: says why a command could not go on. An operator gets a sentence about what they can mend; our own mistakes come with their
// stack.
import { secretsIn } from '../env-secrets.ts'
import { RelayError } from '../errors.ts'
import { withoutSecrets } from '../log.ts'
import { printError } from './output.ts'
import { saySystemError } from './system-errors.ts'

/** Prints a fault on standard error. `relayUrl` is that of the relay that the command talked to, if it did. */
export async function sayFault(error: unknown, relayUrl: string | undefined): Promise<void> {
  const { message, stack, code } = error as NodeJS.ErrnoException
  const isTheirs = error instanceof RelayError || /^E[A-Z_]+$/.test(code ?? '')
  const said = (isTheirs ? (saySystemError(error as NodeJS.ErrnoException) ?? message) : stack) ?? String(error)
  if (error instanceof TypeError && relayUrl !== undefined) {
    const { sayUnreadable } = await import('./client.ts')
    printError(`${sayUnreadable(relayUrl)}. Where it is of the same, this is a fault of flux-relay:`)
  }
  // An error of a library may repeat an address of the environment, password and all.
  printError(withoutSecrets(said, secretsIn(process.env)))
}
