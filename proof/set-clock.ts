// Set clock: is loaded into a relay before it begins and shifts its wall clock by the milliseconds in the file that
// PROOF_CLOCK names, which may change at any moment. Real time goes on as it is.
import { readFileSync } from 'node:fs'

const file = process.env['PROOF_CLOCK']
const { now } = Date
let offset = 0

function look(): void {
  try {
    offset = Number(readFileSync(file ?? '', 'utf8')) || 0
  } catch {
    // Nobody has set it yet.
  }
}

if (file !== undefined) {
  look()
  setInterval(look, 50).unref()
  Date.now = () => now() + offset
}
