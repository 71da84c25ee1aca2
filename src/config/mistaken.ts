// Mistaken: recognises files that are no config file at all, and values that a # has turned into a comment.
import { type Document, isScalar, type Node } from 'yaml'
import type { ShapeFault } from './shape.ts'

/** The fault of a Kubernetes manifest that was given for a config file; undefined for anything else. */
export function manifestFault(value: unknown): ShapeFault | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown }
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  const isFlux = apiVersion.startsWith('notification.toolkit.fluxcd.io/')
  const instead = isFlux
    ? 'flux-relay import makes one of Providers and Alerts'
    : `a config file is ${kind === 'ConfigMap' || kind === 'Secret' ? 'the text under a key of its `data`' : 'in docs/configuration.md'}`
  return { path: ['apiVersion'], message: `is a Kubernetes manifest and no config file; ${instead}`, isAboutKey: true }
}

/** The fault of a file that SOPS has encrypted, in which names and lists may be as illegible as secrets. */
export function sopsFault(value: unknown): ShapeFault | undefined {
  if (typeof value !== 'object' || value === null || !('sops' in value)) return undefined
  const { sops } = value
  if (typeof sops !== 'object' || sops === null || !('mac' in sops)) return undefined
  return {
    path: ['sops'],
    message: 'the file is encrypted by SOPS: decrypt it first (sops --decrypt)',
    isAboutKey: true
  }
}

/** Adds the reason to `fault` if a value is empty because what stands there is a comment: `channel: #team`. */
export function withComment(fault: ShapeFault, document: Document): ShapeFault {
  if (!fault.message.endsWith(' but is empty')) return fault
  const node = document.getIn(fault.path, true) as Node | undefined
  const isLost = isScalar(node) && node.value === null && /^\S/.test(node.comment ?? '')
  return isLost ? { ...fault, message: `${fault.message}: ${hashed}` } : fault
}

/** Advice on a # that was not meant to begin a comment, because no space follows it. */
export const hashed = 'what stands behind # is a comment; put it in quotes'
