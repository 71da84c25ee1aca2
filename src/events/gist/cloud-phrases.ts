// Cloud phrases: shortens what the libraries of AWS, Azure and Google print in every error.

/** Phrases in the form of `phrases`, which includes them: applied top to bottom, each repetition bounded. */
export const cloudPhrases: readonly (readonly [pattern: RegExp, replacement: string, hint?: string])[] = [
  [
    /[.,;]? (?:(?:Trace|Correlation|Request) ?I[Dd]: [\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|Timestamp: \d{4}-\d\d-\d\d [\d:]{8}Z)(?![\w-])/g,
    '',
    'orrelation'
  ],
  [/\bgoogleapi: Error (?=\d{3}: )/g, '', 'googleapi: Error '],
  [/\b([\w-]{1,63}@[\w-]{1,63})\.iam\.gserviceaccount\.com\b/g, '$1', '.iam.gserviceaccount.com'],
  [
    /\boperation error [\w ]{1,60}: \w{1,60}, (?:exceeded maximum number of attempts, \d{1,3}, )?(?:https? response error )?(?:StatusCode: \d{3}, )?(?:RequestID: [^\s,]{0,120}, )?(?:HostID: [^\s,]{0,200}, )?(?:api error |request send failed, )?/g,
    '',
    'operation error '
  ],
  [/\barn:aws[\w-]{0,12}:\w{1,20}:[\w-]{0,20}:\d{0,12}:(assumed-role\/[^/\s]{1,64})\/[^\s:,]{1,128}/g, '$1', 'arn:aws'],
  [/\bAccessDenied(?:Exception)?: (?:User: )?(?=\S{1,200} is not authorized)/g, '', 'AccessDenied'],
  // Config Connector, and what Crossplane's providers print of terraform's errors
  [/\b(?:Update|Delete) call failed: /g, '', ' call failed: '],
  [/\berror (?:applying desired|fetching live) state: (?:summary: )?/g, '', ' state: '],
  [/(?:\bfailed to \w{1,20} the resource: )?\[\{0 ([^\n]{1,2000}?) {1,2}\[\]\}\]/g, '$1', '[{0 '],
  // Azure: a few digits tell which client may not
  [/\b(client '[\da-f]{8})-[\da-f-]{27}'(?: with object id '[\da-f-]{36}')?/g, "$1…'", "client '"],
  [/\b(appid=[\da-f]{8})-[\da-f-]{27}(?:;[\w.:/=;-]{1,300})?/g, '$1…', 'appid='],
  // hashicorp/terraform-provider-aws, when it has waited in vain
  [/\. last error: %!s\(<nil>\)/g, '', '. last error: %!s'],
  [/\bunexpected state '([\w -]{1,60})', wanted target '[\w ,-]{1,200}'\. last error: /g, '$1: ', '. last error: '],
  [
    /\bOperation could not be completed as it results in (?=exceeding )/g,
    '',
    'Operation could not be completed as it results in '
  ],
  // azidentity, go-azure-sdk and go-autorest
  [/\b(\w{1,60}Credential) authentication failed\.? (?=\w)/g, '$1: ', 'Credential authentication failed'],
  [/\bperforming \w{1,60}: unexpected status \d{3} \(\d{3} [\w -]{1,60}\) with error: /g, '', ': unexpected status '],
  [
    /\b[\w.]{1,80}Client#\w{1,60}: Failure (?:sending|responding to) request: StatusCode=\d{1,3} -- Original Error: (?:autorest\/azure: Service returned an error\. )?(?:Status=\d{3} )?/g,
    '',
    ' -- Original Error: '
  ],
  [
    /\bCode="(\w{1,100})" Message="([^\n]{1,600}?)(?:\\[rn]|\. Details: |"(?:$| (?=[A-Z]\w{1,40}=)))[^\n]{0,3000}/g,
    '$1: $2',
    '" Message="'
  ],
  [/\. Additional details - [^\n]{1,3000}$/, '', '. Additional details - '],
  // Azure: the id of a resource is shortened to its kind and name
  [
    /\/subscriptions\/[\w-]{1,60}\/(?:[\w.()-]{1,90}\/){2,12}(?=[\w.()-]{1,90}\/[\w.()-]{1,90})/g,
    '…/',
    '/subscriptions/'
  ]
]
