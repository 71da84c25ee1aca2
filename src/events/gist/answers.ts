// Answers: puts on one line what services lay out over several: what was asked, the code, and below it why.

/** `text` with the answers of Vault, of storages, of proxies and of webhooks of Knative on one line each. */
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
  if (rest.includes('\nCaused by:\n'))
    rest = rest.replace(causes, (_, list: string) => `: ${list.trim().replace(/\n\s*(?:\d{1,2}: )?/g, ': ')}`)
  return rest.includes('\n') && fields.test(rest) ? rest.replace(field, '$1: ') : rest
}

// `PUT https://…: 403: permission denied`. SOPS has each line behind a bar.
const vault =
  /Error making API request\.[\s|]{1,80}(?:Namespace: \S{1,200}[\s|]{1,80})?URL: ([A-Z]{3,7})[\s|]{1,80}(\S{1,1000})[\s|]{1,80}Code: (\d{3})\. (?:Errors|Raw Message):[\s|]{1,80}(?:\*\s{1,8})?/g

// From S3, GCS and Azure: `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>…`
const document =
  /(?:<\?xml[^<>]{0,100}\?>\s{0,8})?<Error>\s{0,8}<Code>(\w{1,100})<\/Code>\s{0,8}<Message>([^<\n]{1,600})[^<]{0,600}<\/Message>(?:[\s\S]{0,3000}?<\/Error>)?/g

// A page for a browser, which has in its title what is wrong.
const page =
  /(?:^|:\s{0,8})<(?:!doctype|html)\b(?:(?!<title>)[\s\S]){0,600}<title>\s{0,40}([^<\n]{1,100}?)\s{0,40}<\/title>[\s\S]{0,8000}$/i

// azure-storage-blob-go and the first azblob: a banner with the code, and why.
const azure = /={3,10} RESPONSE ERROR \((?:Error|Service)Code=(\w{1,100})\) ={3,10}\s{1,8}(?:Description=)?/g

// Programs in Rust: `Caused by:`, and below it one cause a line, each of that before it, numbered where there are several.
const causes = /\s{1,4}Caused by:\n\s{1,8}(?:\d{1,2}: )?([^\n]{1,500}(?:\n\s{1,8}(?:\d{1,2}: )?[^\n]{1,500}){0,12})/

// knative.dev/pkg/apis/field_error.go: `message: paths`, and details on a line of their own. Several are a line each.
const path = String.raw`(?:spec|metadata)(?:[.[][\w.[\]-]{0,200})?`
const fields = new RegExp(`: ${path}\\n`)
const field = new RegExp(String.raw`(: ${path}(?:, ${path}){0,8})\n(?=\S)(?![^\n]{0,400}: ${path}(?:\n|$))`, 'g')
