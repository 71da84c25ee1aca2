// `template`: prints the relay's own form of a message as a template, to start from.
import { Document } from 'yaml'
import { defaultTemplate } from '../render/template/default.ts'

const comment = ` The form that messages have without a template. Give it to a rule as \`template: default\` and change what you like; what
 is taken out of it stays as it is. docs/templates.md says what it may use.`

/** The `templates:` of a config file, with the default form in it. */
export function templateText(): string {
  const document = new Document({ templates: { default: defaultTemplate } })
  document.commentBefore = comment
  return document.toString({ lineWidth: 0, blockQuote: 'literal' })
}

/** Prints {@link templateText}. */
export function template(): void {
  process.stdout.write(templateText())
}
