// Reporter: prints a line per test file and each failure in full; closes with `N passed, N failed`, a line that machines read.
import { Minipass } from 'minipass'
import { Parser } from 'tap-parser'

export default class Reporter extends Minipass {
  #parser = new Parser()
  #passed = 0
  #failed = 0
  #skipped = 0

  constructor() {
    super({ encoding: 'utf8' })
    this.#watch(this.#parser, [])
    this.#parser.on('complete', () => {
      const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : ''
      super.write(`${this.#passed} passed, ${this.#failed} failed${skipped}\n`)
      super.end()
    })
  }

  // A subtest closes with an assert of its own in its parent; only the innermost asserts are counted.
  #watch(parser, path) {
    let closing
    parser.on('child', (child) => {
      closing = child
      this.#watch(child, [...path, child.name])
    })
    parser.on('assert', (result) => {
      const closes = closing !== undefined && closing.name === result.name
      if (closes) closing = undefined
      if (closes && path.length === 0) super.write(`${result.ok ? 'ok' : 'NOT OK'} ${result.name}\n`)
      if (closes && (result.ok || !result.diag)) return
      if (result.skip || result.todo) this.#skipped++
      else if (result.ok) this.#passed++
      else {
        this.#failed++
        super.write(
          `FAILED ${[...path, result.name].join(' > ')}\n${result.diag ? `${JSON.stringify(result.diag, null, 2)}\n` : ''}`
        )
      }
    })
    parser.on('bailout', (reason) => super.write(`BAIL OUT ${reason}\n`))
  }

  write(chunk) {
    return this.#parser.write(chunk)
  }

  end(chunk) {
    this.#parser.end(chunk)
    return this
  }
}
