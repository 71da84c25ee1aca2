// Compilers: compile a schema when it is first needed. Fastify compiles those of all routes and all their answers before it
// answers anything, and a process uses hardly any of them.
import validators from '@fastify/ajv-compiler'
import serializers from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'

// Coercion would accept a number as a reason; removal would hide a misspelt field. `verbose` attaches the schema to an error,
// and the schema has the words for it.
const strict = { coerceTypes: false, removeAdditional: false, verbose: true, keywords: ['patternErrorMessage'] }

/** Fastify's own validators, compiled lazily: a malformed schema fails the first request that needs it instead of the start. */
export function lazyValidators(): FastifySchemaCompiler<object> {
  const compile = validators()({}, { customOptions: strict })
  return (route) => {
    let validate: ReturnType<typeof compile> | undefined
    return (data) => {
      validate ??= compile(route)
      return validate(data) === true || { error: validate.errors ?? [] }
    }
  }
}

/** Fastify's own serializers, compiled lazily like the validators. */
export function lazySerializers(): FastifySerializerCompiler<object> {
  const compile = serializers()()
  return ({ httpStatus = '200', ...route }) => {
    let serialize: ReturnType<typeof compile> | undefined
    return (data) => {
      serialize ??= compile({ ...route, httpStatus })
      return serialize(data)
    }
  }
}
