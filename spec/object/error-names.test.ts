import t from 'tap'
import * as perdure from '../../lib/index.js'
import { PerdureError, StateError } from '../../lib/index.js'

type ErrorClass = new (...given: unknown[]) => Error

const classes = Object.entries<unknown>(perdure).filter(
  (entry): entry is [string, ErrorClass] => typeof entry[1] === 'function' && entry[1].prototype instanceof Error,
)

t.test('errors keep their names where a minifier has changed those of their classes', t => {
  t.ok(classes.length > 15)
  for (const [name, Class] of classes) {
    Object.defineProperty(Class, 'name', { value: 'st' })
    const error = new Class([], new Error('cause'), '')
    t.equal(error.name, name)
    t.ok(error.stack?.startsWith(name), `${name} in the trace`)
    t.ok(error instanceof Class)
    t.ok('code' in error)
  }
  t.ok(new StateError('x') instanceof PerdureError)
  t.same(
    Object.keys(new StateError('x')),
    ['code'],
    'as errors of the language, they do not count it among their fields',
  )
  t.end()
})
