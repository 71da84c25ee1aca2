// Output: prints what a command found, for a person at a terminal or for a program.

/** Prints `value` as JSON if that is asked for, else `text`, and ends its last line. */
export function print(json: boolean | undefined, value: unknown, text: string): void {
  const output = json ? JSON.stringify(value, null, 2) : text
  process.stdout.write(output === '' || output.endsWith('\n') ? output : `${output}\n`)
}

/**
 * One line for each row, under `header`, columns two spaces apart. Where `width` is given the last column is cut to it.
 * Texts may be untrusted: none can move the cursor.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const lines = [header, ...rows].map((row) => row.map(plain))
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => `${oneLine(line, widths).trimEnd().slice(0, width)}\n`).join('')
}

function oneLine(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')
}

function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
