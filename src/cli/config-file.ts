// Config file: reads the file that a command is given, within the bounds that the relay keeps to.
import { type Loaded, loadConfig } from '../config/config.ts'
import { readText } from '../config/files.ts'
import { RelayError } from '../errors.ts'

/** Loads `file` with the environment of this process. Throws BAD_CONFIG if its text cannot be read. */
export function loadConfigFile(file: string, options?: { sends?: boolean }): Loaded {
  const text = readText(file, { waits: true })
  if (typeof text !== 'string') throw new RelayError('BAD_CONFIG', `${file} ${text.error}`)
  return loadConfig(text, file, process.env, options)
}
