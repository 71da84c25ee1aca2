// Set clock: preloaded into a relay, shifts its wall clock by the milliseconds in the file that PROOF_CLOCK names, which may
// change at any moment. Monotonic time stays as it is.
import { readFileSync } from 'node:fs'

const file = process.env['PROOF_CLOCK']
const { now } = Date
let offset = 0

function look(): void {
  try {
    offset = Number(readFileSync(file ?? '', 'utf8')) || 0
  } catch {
    // Nobody has set the clock yet.
  }
}

if (file !== undefined) {
  look()
  setInterval(look, 50).unref()
  Date.now = () => now() + offset
}
