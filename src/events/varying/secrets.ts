// Secrets: parts of signed addresses and tokens, new every time and nobody's business.
import type { Row } from './row.ts'

export const secrets: readonly Row[] = [
  // Queries of signed URLs: S3, GCS, Azure SAS, CloudFront; tokens in any URL; the next page of a list
  [
    ['?'],
    /\?(?=[^\s"'<>?]{0,2000}?(?:sig|signature|token|expires|credential|algorithm|key-pair-id|x-(?:amz|goog|ms)-[a-z-]{1,40}|googleaccessid|awsaccesskeyid|jwt|nonce|ts|next_page|page_?token|cursor|continue)=)[^\s"'<>?]{1,4000}/gi,
    '?<query>'
  ],
  [['@'], /(:\/\/)[^\s/@:"']*:[^\s/@"']+@/g, '$1<user>@'],
  [
    ['signature', 'credential', 'token', 'nonce'],
    /((?:signature|credential|token|nonce)["']?[=:] ?["']?)(?=[\w+/=%.~-]{0,40}[\d=+])[\w+/=%.~-]{8,2000}/gi,
    '$1<secret>',
    ['=', ':']
  ],
  // JWT, GitHub, GitLab, Slack, Google, Vault; access keys of AWS; the token that Docker Hub limits
  [
    [
      'eyj',
      'ghp_',
      'gho_',
      'ghu_',
      'ghs_',
      'ghr_',
      'github_pat_',
      'glpat-',
      'xox',
      'ya0.',
      'hvs.',
      'akia',
      'asia',
      'dckr_'
    ],
    /\b(?:eyJ[\w-]{8,2000}(?:\.[\w-]{4,2000}){0,3}|gh[pousr]_\w{16,255}|github_pat_\w{16,255}|glpat-[\w-]{16,64}|xox[abprs]-[\w-]{10,255}|ya29\.[\w-]{10,2000}|hvs\.[\w-]{16,255}|A[KS]IA[A-Z\d]{12,28}|dckr_[a-z]{3}_[\w-]{4,255}={0,2})(?![\w-])/g,
    '<token>'
  ],
  [['failure message: '], /\b(failure message: )[\w+/=-]{20,6000}/g, '$1<secret>'],
  // sts: arn:aws:sts::123456789012:assumed-role/flux/1663302174123456789
  [['assumed-role/'], /(:assumed-role\/[\w+=,.@-]{1,64}\/)[\w+=.@-]{2,64}/g, '$1<session>']
]
