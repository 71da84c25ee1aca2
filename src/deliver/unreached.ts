// Unreached: explains the code of an error by which a receiver was not reached. Pure.

/** The peer did not prove to be the receiver, or speaks no TLS (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const ofTls =
  /^(CERT_|CRL_|DEPTH_ZERO_|ERROR_IN_|ERR_SSL_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|SELF_SIGNED_|UNABLE_TO_|UND_ERR_PRX_TLS)/

/** Reports whether no connection came about that may be trusted with a message. Only a person can mend that. */
export function isUntrusted(code: string): boolean {
  return ofTls.test(code)
}

/** Codes that say that there was no connection, or no client that could have made one. */
const unsent =
  /^(EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|EMFILE|ENETUNREACH|ENFILE|ENOTFOUND|ERR_INVALID_URL|UND_ERR_(CONNECT|HEADERS)_TIMEOUT|UND_ERR_PRX_CONN|DestinationMoved|NoClient|NoDestination)$/

/** Reports whether a message may have been taken although no answer came. */
export function mayHaveArrived(code: string): boolean {
  return !isUntrusted(code) && !unsent.test(code)
}

const here = 'whoever answers there, the receiver or a proxy or firewall on the way,'

const advice: readonly [code: RegExp, advice: string][] = [
  [
    /EXPIRED|NOT_YET_VALID/,
    `the certificate that is shown is not valid now: ${here} has to renew it; is the clock here right?`
  ],
  [/^UND_ERR_PRX_TLS/, 'the certificate of the proxy is for another name than the one in HTTPS_PROXY'],
  [
    /ALTNAME|HOSTNAME_MISMATCH/,
    'the certificate that is shown is for another name than that in the address: does a proxy or a firewall answer, or is the address wrong?'
  ],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST/,
    'no TLS is spoken there: is the port wrong, or does a proxy or a firewall answer with a page?'
  ],
  [
    /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY))/,
    'the certificate that is shown is of no authority that is known here: where a proxy, a firewall or a gateway of yours has one of its ' +
      'own, put its certificate into a file, name that in NODE_EXTRA_CA_CERTS, and restart the relay'
  ],
  [
    ofTls,
    `no encrypted connection comes about: ${here} wants another version of TLS, or a certificate of the relay, which it has not`
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    'its name is not found: is the address right, and does DNS work here? With a proxy, the name is that of the proxy'
  ],
  [
    /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    'nothing answers there: does a firewall or a NetworkPolicy let the relay out, or is HTTPS_PROXY needed?'
  ],
  [/^ECONNREFUSED$/, 'nothing listens there: are host and port right, and those of HTTPS_PROXY?'],
  [/^UND_ERR_(HEADERS_TIMEOUT|PRX_CONN)$/, 'the proxy of HTTPS_PROXY took the connection and did not open the way']
]

/** Advice on what to check; empty if the code only says that it failed. */
export function adviceOnCode(code: string): string {
  return advice.find(([known]) => known.test(code))?.[1] ?? ''
}
