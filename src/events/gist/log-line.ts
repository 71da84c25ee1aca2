// Log line: reads what a line says that a program wrote for machines, as logfmt or as klog has it, field by field.

const value = String.raw`"((?:[^"\\\n]|\\.){1,2000})"`
const more = String.raw`(?:[^\n]{0,1000}?[ \t](?:err|error)=(?:${value}|(\S{1,400})))?[^\n]*`

/** `time="…" level=error msg="failed to prune" error="etcdserver: request timed out"` */
const logfmt = new RegExp(String.raw`^(?:[\w.]{1,40}=(?:"[^"\n]{0,200}"|\S{1,200}) ){0,8}msg=${value}${more}$`, 'gm')

/** `E1201 10:00:00.123456       1 controller.go:142] "Reconciler error" err="…"` */
const klog = new RegExp(
  String.raw`^[EWF]\d{4} \d\d:\d\d:\d\d\.\d{6} {1,8}\d{1,8} [\w.-]{1,100}:\d{1,6}\] (?:${value}${more}$)?`,
  'gm'
)

/** `text` with what was said of an error, instead of such a line. */
export function withoutFields(text: string): string {
  if (text.includes('msg="')) return text.replace(logfmt, said)
  return text.includes('.go:') ? text.replace(klog, said) : text
}

function said(_: string, message: string | undefined, quoted: string | undefined, bare: string | undefined): string {
  const why = quoted ?? bare
  return [message, why].flatMap((part) => (part === undefined ? [] : [part.replace(/\\(.)/g, '$1')])).join(': ')
}
