// Change logs: list what a controller applied, as `Kind/namespace/name action`, one per line, often hundreds of lines.

/** Words of the change log for what a controller did with an object. */
export const actions = new Set(['created', 'configured', 'deleted', 'unchanged', 'skipped', 'replaced'])

/**
 * Returns the action of a line that reports a change, undefined for any other line. This is no regular expression, because
 * `\S+\/\S+` starts again at every slash, which takes minutes on three megabytes of them.
 */
export function actionIn(line: string): string | undefined {
  const space = line.lastIndexOf(' ')
  const action = line.slice(space + 1)
  if (space < 0 || !actions.has(action)) return undefined
  const object = line.slice(0, space)
  return !/\s/.test(object) && object.slice(1, -1).includes('/') ? action : undefined
}
