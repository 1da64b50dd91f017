// `perdure inspect`: what a store holds, or one object of it, as the library's inspector tells.
import type { Command } from 'commander'
import '../../lib/index.js' // knows the collections
import { jsonText } from '../../lib/object/json.js'
import { Inspector, keyText, type Found, type InspectedObject } from '../../lib/object/inspector.js'
import { FORMAT_VERSION } from '../../lib/log/file-header.js'
import type { Store } from '../../lib/store/store.js'
import { ROOT_OID, type Oid } from '../../lib/store/types.js'
import { measureUsage } from '../../lib/store/usage.js'
import { UNTIL, wholeNumber } from './arguments.js'
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { print, say } from './output.js'
import { withStore, type StoreToRead } from './store-to-read.js'
import { json, text } from './stored-value.js'
import { count, harmless, moment, size, table } from './units.js'

interface Options {
  readonly json?: true
  readonly limit: number
  readonly until?: number
}

/** A collection that has a number in place of entries. */
const COUNTER = 'PersistentCounter'

const EXAMPLES = `
A place is a path from the root, /accounts/ada/tags/0, through fields, plain data, positions in lists and keys of maps;
or the number of an object, 12; or both, 12/tags/0. If a key with a slash in it is not found, write ~1 for the slash.
Of keys that are written alike, such as the string '5' and the number 5, the string is taken, and the others are told of.`

export function addInspect(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('inspect <file> [place]')
    .description('show what is in a store, or one object of it: its fields, and what it refers to')
    .option(...UNTIL)
    .option('--limit <n>', 'show at most so many entries of a collection or array', wholeNumber, 20)
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, place: string | undefined, options: Options) =>
      exit(await runInspect(file, place, options, exit)),
    )
}

function runInspect(
  path: string,
  place: string | undefined,
  { json: asJson, limit, until }: Options,
  exit: (code: ExitCode) => void,
): Promise<ExitCode> {
  const address = place === undefined ? undefined : parsePlace(place)
  const look = ({ store }: StoreToRead): void => {
    if (address === undefined) (asJson ? printStoreJson : printStore)(store, limit)
    else showPlace(store, address, limit, asJson === true)
  }
  return withStore(path, exit, look, until)
}

// ---- the whole store --------------------------------------------------------------------------------------------

function describeStore(store: Store) {
  const snapshot = store.latest()
  const { header } = snapshot.generation
  const inspector = new Inspector(snapshot)
  const { bytes, liveBytes, deadBytes, objects, unreachable, byShape } = measureUsage(snapshot)
  const types = inspector.byType(byShape)
  const parts = types.reduce((sum, { isPart, objects }) => (isPart ? sum + objects : sum), 0)
  return {
    path: store.path,
    storeId: uuid(header.storeId),
    generation: header.generation,
    format: FORMAT_VERSION,
    commits: snapshot.tid,
    lastCommit: snapshot.tid === 0 ? undefined : moment(snapshot.time),
    packedUpTo: header.baseTid === 0 ? undefined : header.baseTid,
    bytes,
    liveBytes,
    deadBytes,
    objects: objects - parts,
    parts,
    unreachable,
    types,
    root: inspector.object(ROOT_OID),
  }
}

function uuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function printStoreJson(store: Store, limit: number): void {
  const { root, ...facts } = describeStore(store)
  printWhole(store, () => ({ ...facts, root: root && objectJson(root, limit) }))
}

function printStore(store: Store, limit: number): void {
  const facts = describeStore(store)
  const { commits, lastCommit, packedUpTo, types, root } = facts
  const parts = facts.parts === 0 ? '' : `, with ${count(facts.parts, 'part')} of collections`
  const last = lastCommit === undefined ? 'none' : `${count(commits)}, the last at ${lastCommit}`
  const rows = [
    ['store', harmless(facts.path)],
    ['id', facts.storeId],
    ['format', String(facts.format)],
    ['generation', String(facts.generation) + (packedUpTo === undefined ? '' : ` (packed up to commit ${packedUpTo})`)],
    ['commits', last],
    ['size', `${size(facts.bytes)}: ${size(facts.liveBytes)} live, ${size(facts.deadBytes)} dead`],
    ['objects', `${count(facts.objects)}${parts}, and ${count(facts.unreachable)} unreachable`],
  ]
  for (const line of table(rows)) print(line)
  if (types.length > 0) {
    print()
    const cells = types.map(each => [harmless(each.type), count(each.objects), size(each.bytes)])
    for (const line of table([['type', 'records', 'bytes'], ...cells], [1, 2])) print(line)
  }
  print()
  if (root === undefined) print('no root object')
  else printContent(root, limit)
}

// ---- one place --------------------------------------------------------------------------------------------------

interface Place {
  readonly given: string
  readonly oid: Oid | undefined
  readonly path: string
}

function parsePlace(place: string): Place {
  const found = /^(\d*)((?:\/.*)?)$/s.exec(place)
  if (place === '' || found === null) {
    throw new Refusal(
      EXIT.usage,
      `'${harmless(place)}' is no place: write a path such as /accounts/ada, or the number of an object such as 12`,
    )
  }
  const [, oid = '', path = ''] = found
  return { given: place, oid: oid === '' ? undefined : (Number(oid) as Oid), path: path === '/' ? '' : path }
}

function showPlace(store: Store, { given, oid, path }: Place, limit: number, asJson: boolean): void {
  const inspector = new Inspector(store.latest())
  const found = inspector.resolve(path, oid)
  if (found.kind === 'absent') {
    throw new Refusal(EXIT.no, harmless(`${store.path}: there is no ${given}: ${whatIsThere(found)}`))
  }
  for (const alike of found.alike ?? []) say(alike)
  if (found.kind === 'value') {
    if (asJson) printWhole(store, () => ({ owner: json(found.owner), path, value: json(found.value) }))
    else print(`${text(found.value, limit)}\n\npart of ${harmless(String(found.owner))}`)
    return
  }
  const { object } = found
  const time = inspector.timeOf(object.tid)
  if (asJson) {
    printWhole(store, () => ({ ...objectJson(object, limit), time: time === undefined ? null : moment(time) }))
    return
  }
  printContent(object, limit)
  print()
  const when = time === undefined ? 'before the store was packed' : moment(time)
  const rows = [
    ['version', `${object.version} of ${harmless(object.type)}`],
    ['written', `by commit ${object.tid}, ${when}`],
    ['record', `${size(object.bytes)} at offset ${object.offset}`],
  ]
  for (const line of table(rows)) print(line)
  printReferences(object, limit)
}

function whatIsThere({ inside, key, has, more }: Extract<Found, { kind: 'absent' }>): string {
  if (has.length === 0) return `${inside} has no ${key}`
  return `${inside} has no '${key}', but ${has.join(', ')}${more > 0 ? `, and ${count(more)} more` : ''}`
}

function printContent({ oid, type, fields, look }: InspectedObject, limit: number): void {
  const title = harmless(`[${type} ${oid}]`)
  const part = look(type === COUNTER ? 1 : limit)
  if (part === undefined) {
    print(fields.size === 0 ? `${title} has no fields` : title)
    const rows = [...fields].map(([key, value]) => [
      `  ${harmless(key)}`,
      text(value, limit).replaceAll('\n', '\n    '),
    ])
    for (const line of table(rows)) print(line)
    return
  }
  const { entries, size } = part
  if (type === COUNTER) return print(`${title} ${String(entries[0]?.[1])}`)
  print(`${title} ${size === 0 ? 'is empty' : `size ${count(size)}`}`)
  const rows = entries.map(([key, value]) => [
    `  ${typeof key === 'string' ? text(key, limit) : harmless(keyText(key))}`,
    text(value, limit).replaceAll('\n', '\n    '),
  ])
  for (const line of table(rows)) print(line)
  if (size > limit) print(`  ... ${count(size - limit)} more`)
}

function printReferences({ references }: InspectedObject, limit: number): void {
  print()
  print(references.length === 0 ? 'refers to nothing' : `refers to ${count(references.length, 'object')}`)
  for (const reference of references.slice(0, limit)) print(`  ${harmless(String(reference))}`)
  if (references.length > limit) print(`  ... ${count(references.length - limit)} more`)
}

/** As JSON, where values are whole, however large. Throws UnsupportedError. */
function printWhole({ path }: Store, make: () => unknown): void {
  print(jsonText(make, `${path}: a value is too large for a line of text: look at it without --json`))
}

function objectJson({ fields, look, references, ...facts }: InspectedObject, limit: number): Record<string, unknown> {
  const part = look(facts.type === COUNTER ? 1 : limit)
  const content =
    part === undefined
      ? { fields: Object.fromEntries([...fields].map(([key, value]) => [key, json(value)])) }
      : facts.type === COUNTER
        ? { value: json(part.entries[0]?.[1]) }
        : { size: part.size, entries: part.entries.map(([key, value]) => [json(key), json(value)]) }
  return { ...facts, ...content, references: references.map(({ oid, type }) => ({ oid, type })) }
}
