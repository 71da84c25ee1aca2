// Addresses: of machines, which take turns, and ports of the moment.
import { noValue, type Row } from './row.ts'

// 32768 and up: net.ipv4.ip_local_port_range on Linux. NodePorts end at 32767.
const ephemeralPort = String.raw`(?:3276[89]|32(?:7[7-9]|[89]\d)\d|(?:3[3-9]|[45]\d|6[0-5])\d{3})(?!\w)`

export const addresses: readonly Row[] = [
  // Nodes and their disks are replaced: ip-10-0-12-34.ec2.internal, i-0abc…, gke-prod-pool-1-3f2a9b1c-x7k2,
  // aks-pool-12345678-vmss00000a
  [
    ['ip-0', '0-0-0-0.', 'i-', 'vol-', 'snap-', 'gke-', 'aks-'],
    /\b(?:ip(?:-\d{1,3}){4}|\d{1,3}(?:-\d{1,3}){3}(?=\.)|(?:i|vol|eni|snap)-(?=[a-f]{0,16}\d)[\da-f]{8,17}|gke-[\w-]{1,80}-[\da-f]{8}-[a-z\d]{4}|aks-[\w-]{1,40}-\d{8}-vmss[\da-z]{6})(?![\w-])/g,
    '<node>'
  ],
  // Go net.OpError, "read udp 10.0.0.1:43210->10.96.0.10:53": the left side is this pod and its port of the moment
  [['->'], /(?:\[[\da-z:.%]{2,60}\]|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):\d{1,5}->/gi, '<local>->'],
  // A name may have many addresses, which come in turn, and pods move. Not a range, nor a version such as app:1.2.3.4
  [
    ['0.0.0.0'],
    new RegExp(String.raw`(?=\d)${noValue}(?<![\w.-]|\w:)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\w|/\d)`, 'g'),
    '<ip>'
  ],
  [
    ['::', ']:0', ']/', ':0:'],
    new RegExp(
      String.raw`(?=\[?[\da-f]{0,4}:)${noValue}(?<![\w.:])(?:\[(?=[\da-f]{0,4}:)[\da-f:.]{2,45}(?:%\w{1,15})?\](?=:\d|/)|(?:(?=[\da-f:]{0,34}:\d{1,4}:)(?:[\da-f]{1,4}:){7}[\da-f]{1,4}|(?:[\da-f]{1,4}:){1,6}(?::[\da-f]{1,4}){1,6}|::[\da-f]{1,4})(?:%\w{1,15})?(?![\w:/]|\.\d))`,
      'gi'
    ),
    '<ip>'
  ],
  // Other ephemeral ports. Only after an address or in a URL: app:45123 is an image tag.
  [
    [':0'],
    new RegExp(String.raw`:${ephemeralPort}(?<=(?:<ip>|\]|\blocalhost|://[\w.-]{1,253}):\d{5})`, 'g'),
    ':<port>'
  ],
  // A client that gets no answer by HTTPS asks a registry by HTTP, too: the second answer counts only if the registry does not
  // speak HTTPS
  [['; get "http:'], /(?<! HTTPS client); Get "http:\/\/[^"\n]{1,500}": [^\n]{1,2000}/g, '; <http>'],
  [['port 0'], new RegExp(String.raw`\bport ${ephemeralPort}`, 'g'), 'port <port>']
]
