// Compilers: a schema is compiled when it is first needed. Fastify compiles those of all routes, and of each of their answers,
// before it answers anything; hardly any of them are ever used in one process.
import validators from '@fastify/ajv-compiler'
import serializers from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'

// Coercing would accept a number for a reason; stripping would hide a misspelt field.
// Verbose: an error comes with its schema, which has words for it.
const strict = { coerceTypes: false, removeAdditional: false, verbose: true, keywords: ['patternErrorMessage'] }

/** Fastify's own validators, put off: a malformed schema fails the first request that it is for, not the start. */
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

/** Fastify's own serializers, put off in the same way. */
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
