// Answers: put on one line what services lay out over several: the request, the code, and below them the reason.

/** Returns `text` with each answer of Vault, of storages, of proxies and of Knative's webhooks on one line. */
export function withAnswersOnOneLine(text: string): string {
  let rest = text.includes('Error making API request.') ? text.replace(vault, '$1 $2: $3: ') : text
  if (rest.includes('</Code>')) rest = rest.replace(document, '$1: $2')
  if (rest.includes('</title>')) {
    rest = rest.replace(page, (_, title: string, at: number) => {
      if (at === 0) return title
      return rest.slice(Math.max(0, at - 80), at).includes(title) ? '' : `: ${title}`
    })
  }
  if (rest.includes('= RESPONSE ERROR (')) rest = rest.replace(azure, '$1: ')
  if (rest.includes('Azure API returned')) {
    rest = rest.replace(polled, (_, ...[status, code, message]) => [status, code, message].filter(Boolean).join(': '))
  }
  if (rest.includes('Violations details: {')) rest = rest.replace(warden, ' [$1] $2')
  // Config Connector has it behind each summary of terraform's, mostly empty.
  if (rest.includes(', detail:')) rest = rest.replace(/, detail: ?$/gm, '')
  if (rest.includes('\nCaused by:\n'))
    rest = rest.replace(causes, (_, list: string) => `: ${list.trim().replace(/\n\s*(?:\d{1,2}: )?/g, ': ')}`)
  return rest.includes('\n') && fields.test(rest) ? rest.replace(field, '$1: ') : rest
}

// Becomes `PUT https://…: 403: permission denied`. In a report of SOPS, each line stands behind a bar.
const vault =
  /Error making API request\.[\s|]{1,80}(?:Namespace: \S{1,200}[\s|]{1,80})?URL: ([A-Z]{3,7})[\s|]{1,80}(\S{1,1000})[\s|]{1,80}Code: (\d{3})\. (?:Errors|Raw Message):[\s|]{1,80}(?:\*\s{1,8})?/g

// From S3, GCS and Azure: `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>…`
const document =
  /(?:<\?xml[^<>]{0,100}\?>\s{0,8})?<Error>\s{0,8}<Code>(\w{1,100})<\/Code>\s{0,8}<Message>([^<\n]{1,600})[^<]{0,600}<\/Message>(?:[\s\S]{0,3000}?<\/Error>)?/g

// A page for a browser, whose title says what is wrong.
const page =
  /(?:^|:\s{0,8})<(?:!doctype|html)\b(?:(?!<title>)[\s\S]){0,600}<title>\s{0,40}([^<\n]{1,100}?)\s{0,40}<\/title>[\s\S]{0,8000}$/i

// azure-storage-blob-go and the first azblob print a banner with the code, and below it the reason.
const azure = /={3,10} RESPONSE ERROR \((?:Error|Service)Code=(\w{1,100})\) ={3,10}\s{1,8}(?:Description=)?/g

// hashicorp/go-azure-sdk prints the result of an operation that it waited for, and below it the whole answer.
const polled =
  /\bthe Azure API returned the following error:\s{1,8}Status: "([^"\n]{0,100})"\s{1,8}Code: "([^"\n]{0,100})"\s{1,8}Message: "([^\n]{0,2000}?)"\n[\s\S]{0,8000}$/

// Programs in Rust print `Caused by:`, and below it one cause on each line, numbered if there are several.
const causes = /\s{1,4}Caused by:\n\s{1,8}(?:\d{1,2}: )?([^\n]{1,500}(?:\n\s{1,8}(?:\d{1,2}: )?[^\n]{1,500}){0,12})/

// GKE Autopilot prints that it rejected the request, and below it the constraints by name, each with its violations.
const warden =
  / [\w ]{1,40} rejected the request because [^\n.]{1,200}\.\s{1,8}Violations details: \{"\[denied by ([\w-]{1,100})\]":\["([^"\n]{1,600}?)\.?"[\s\S]{0,8000}$/

// knative.dev/pkg/apis/field_error.go: `message: paths`, with details on a line of their own. Several errors have a line each.
const path = String.raw`(?:spec|metadata)(?:[.[][\w.[\]-]{0,200})?`
const fields = new RegExp(`: ${path}\\n`)
const field = new RegExp(String.raw`(: ${path}(?:, ${path}){0,8})\n(?=\S)(?![^\n]{0,400}: ${path}(?:\n|$))`, 'g')
