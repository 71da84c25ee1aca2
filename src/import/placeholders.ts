// Placeholders: finds what Flux or Helm has yet to fill in, such as `${CLUSTER:=prod}` or `{{ .Values.cluster }}`.

/** `text` with the defaults of its variables. One without a default becomes `otherwise`, or stays as it is. */
export function filled(text: string, otherwise?: string): string {
  return text.replace(
    /\$\{\w+(?::?[=-]([^}]*))?\}|\{\{.*?\}\}/g,
    (placeholder, usual: string | undefined) => usual || (otherwise ?? placeholder)
  )
}

export function hasPlaceholder(text: string): boolean {
  return /\$\{[A-Za-z_]|\{\{/.test(text)
}

/** The paths of texts in `value`, which is at `path`, that have something yet to be filled in. */
export function placeholders(value: unknown, path: (string | number)[]): (string | number)[][] {
  if (typeof value === 'string') return hasPlaceholder(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    placeholders(inner, [...path, Array.isArray(value) ? Number(key) : key])
  )
}
