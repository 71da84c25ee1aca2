// Log line: reads the message and the error out of log lines for machines, in logfmt or klog format.

/** `time="…" level=error msg="failed to prune" error="etcdserver: request timed out"` */
const logfmt = /^(?=[^\n]{0,400}\b(?:level|lvl)=\w)(?=[^\n]{0,2000}\bmsg=)[\w.]{1,40}=[^\n]*$/gm

/** `E1201 10:00:00.123456       1 controller.go:142] "Reconciler error" err="…"` */
const klog = /^[EWF]\d{4} \d\d:\d\d:\d\d\.\d{6} {1,8}\d{1,8} [\w.-]{1,100}:\d{1,6}\] (?:(?=")[^\n]*$)?/gm

const field = /(?:^|\s|(?<=\] ))(?:(msg|err|error)=|(?<=\] ))(?:"((?:[^"\\]|\\.){1,2000})"|([^\s"]{1,400}))/g

/** Replaces each such line of `text` by its message and its error. */
export function withoutFields(text: string): string {
  if (text.includes('msg=')) return text.replace(logfmt, said)
  return text.includes('.go:') ? text.replace(klog, said) : text
}

function said(line: string): string {
  const fields = [...line.slice(0, 4000).matchAll(field)].map(([, name = 'msg', quoted, bare = '']) => {
    return { name, value: (quoted ?? bare).replace(/\\(.)/g, '$1') }
  })
  const message = fields.find(({ name }) => name === 'msg')?.value
  const why = fields.find(({ name }) => name !== 'msg')?.value
  return [message, why].filter((part) => part !== undefined).join(': ')
}
