// Release notes: `node tools/release-notes.ts 0.1.0` prints what CHANGELOG.md says of one version. The release workflow runs
// it.
import { readFileSync } from 'node:fs'

/**
 * The text below `## VERSION` or `## VERSION · date`, up to the next version. Throws if the section is missing or empty,
 * because then somebody forgot the CHANGELOG.
 */
export function notesOf(version: string, changelog: string): string {
  const sections = changelog.split(/^## /m).slice(1)
  const [section, another] = sections.filter((each) => each.split(/[ \n]/, 1)[0] === version)
  if (section === undefined) throw new Error(`CHANGELOG.md has no "## ${version}"`)
  if (another !== undefined) throw new Error(`CHANGELOG.md has "## ${version}" twice`)
  const text = section.slice(section.indexOf('\n') + 1).trim()
  if (text === '' || !section.includes('\n')) throw new Error(`CHANGELOG.md says nothing below "## ${version}"`)
  return `${text}\n`
}

if (import.meta.main) {
  const [version = ''] = process.argv.slice(2)
  process.stdout.write(notesOf(version, readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')))
}
