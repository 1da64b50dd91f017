// The random transactions. Each is a list of small steps, so that a transaction by hand can wait between any two of them.
import assert from 'node:assert/strict'
import type { Random } from '../helpers/seeded.js'
import { noteName, pageName, PAGES, sizes, TOTAL } from './bank.js'
import type { Stretch } from './models.js'
import type { MapName, View } from './view.js'

type Act = (view: View) => void

export interface Work {
  readonly what: string
  readonly steps: readonly Act[]
}

/** A transaction that changes something. */
export function change(r: Random): Work {
  return r.pick([
    transfer,
    append,
    ends,
    ends,
    signOff,
    signOff,
    fill,
    move,
    ...ofCollections,
    ...ofCollections,
    several,
  ])(r)
}

/** A transaction that only reads. */
export function audit(r: Random): Work {
  return r.pick([balances, looks, looks, everything])(r)
}

// ---- objects and lists ----

/** Money changes hands; the total stays. */
function transfer(r: Random): Work {
  const [from = 0, to = 0] = r.shuffle(Array.from({ length: sizes.accounts }, (_, n) => n))
  let amount = 0
  const take = (view: View): void => {
    const balance = view.balance(from)
    amount = Math.min(balance, 1 + r.int(20))
    view.setBalance(from, balance - amount)
  }
  return { what: 'transfer', steps: [take, view => view.setBalance(to, view.balance(to) + amount)] }
}

function append(r: Random): Work {
  const [one, other] = [r.int(sizes.lists), r.int(sizes.lists)]
  return { what: 'append', steps: [view => view.append(one), view => void view.list(other)] }
}

/** Without a look at all of the list: at the positions at its ends, and at what comes in and goes out there. */
function ends(r: Random): Work {
  const n = r.int(sizes.lists)
  const index = r.int(6) - 3
  const step = (): Act =>
    r.pick<Act>([
      view => view.item(n, index),
      view => view.extend(n, 'push'),
      view => view.extend(n, 'unshift'),
      view => view.rotate(n, 'shift'),
      view => view.rotate(n, 'pop'),
      view => view.setItem(n, index),
      view => view.insertItem(n, index),
    ])
  const look: Act[] = r.chance(0.5) ? [view => view.item(n, index)] : []
  return { what: 'ends', steps: [...look, ...Array.from({ length: 1 + r.int(3) }, step)] }
}

/** Write skew, if it were let through: whoever sees both on call goes, else both come. */
function signOff(r: Random): Work {
  const pair = 2 * r.int(sizes.pairs)
  const [me, other] = r.shuffle([pair, pair + 1]) as [number, number]
  let both = false
  return {
    what: 'sign off',
    steps: [
      view => void (both = view.onCall(me)),
      view => void (both = view.onCall(other) && both),
      view => {
        view.setOnCall(me, !both)
        if (!both && r.chance(0.5)) view.setOnCall(other, true)
      },
    ],
  }
}

/** Without a look first. */
function fill(r: Random): Work {
  const [n, other] = [r.int(sizes.slots), r.int(sizes.slots)]
  const steps: Work['steps'] = [
    view => view.fill(n),
    view => (r.chance(0.2) ? view.empty(other) : void view.slot(other)),
  ]
  return { what: 'fill', steps }
}

function move(r: Random): Work {
  const [from, to] = r.shuffle(Array.from({ length: sizes.slots }, (_, n) => n)) as [number, number]
  return { what: 'move', steps: [view => void view.slot(to), view => view.move(from, to), view => void view.slot(to)] }
}

// ---- maps ----

const aMap = (r: Random): MapName => r.pick(['notes', 'pages'])

/** Some keys of both maps are wanted more than others. */
function aKey(r: Random, name: MapName): string {
  return name === 'notes' ? noteName(r.int(8)) : pageName(r.chance(0.3) ? r.int(4) : r.int(PAGES))
}

function aStretch(r: Random, name: MapName): Stretch {
  const from = name === 'notes' ? r.int(8) : r.int(PAGES)
  const to = from + 1 + r.int(name === 'notes' ? 4 : 12)
  const nameOf = name === 'notes' ? noteName : pageName
  return {
    ...(r.chance(0.9) ? { gte: nameOf(from) } : {}),
    ...(r.chance(0.9) && to < 100 ? { lt: nameOf(to) } : {}),
  }
}

function set(r: Random, name: MapName): Act {
  const key = aKey(r, name)
  const kind = r.pick(['text', 'text', 'long text', 'data', 'data', 'object', { sameAs: aKey(r, name) }] as const)
  return view => view.set(name, key, kind)
}

function ask(r: Random, name: MapName): Act {
  const key = aKey(r, name)
  const part = aStretch(r, name)
  const n = r.int(PAGES)
  const ways = { reverse: r.chance(0.5), ...(r.chance(0.5) ? { limit: 1 + r.int(3) } : {}) }
  return r.pick<Act>([
    view => void view.get(name, key),
    view => void view.get(name, key),
    view => view.recall(name, n),
    view => view.recall(name, n),
    view => void view.has(name, key),
    view => view.range(name, { ...part, ...ways }),
    view => view.keys(name, { ...part, ...ways }),
    view => view.range(name, ways),
    view => view.count(name, part),
    view => void view.size(name),
  ])
}

/** Any change of a map; most of them without a look first. */
function edit(r: Random): Work {
  const name = aMap(r)
  const steps = Array.from({ length: 1 + r.int(3) }, (): Act => {
    const key = aKey(r, name)
    if (r.chance(0.2)) return ask(r, name)
    return r.pick<Act>([
      set(r, name),
      set(r, name),
      view => void view.delete(name, key),
      view => view.raise(name, key),
      view => view.raise(name, key),
    ])
  })
  return { what: `edit ${name}`, steps }
}

/** Write skew between two keys of one map, if it were let through. */
function compare(r: Random): Work {
  const name = aMap(r)
  const [mine, other] = [aKey(r, name), aKey(r, name)]
  let both = false
  return {
    what: `compare ${name}`,
    steps: [
      view => void (both = view.has(name, mine)),
      view => void (both = view.get(name, other) !== undefined && both),
      view => (both ? void view.delete(name, mine) : view.set(name, mine, 'text')),
    ],
  }
}

/** What there is in a stretch, or how many there are, goes into what is written. */
function sumUp(r: Random): Work {
  const name = aMap(r)
  const asks = Array.from({ length: 1 + r.int(3) }, () => ask(r, name))
  return { what: `sum up ${name}`, steps: [...asks, set(r, aMap(r))] }
}

/** Splits the nodes of a tree, or joins them. */
function many(r: Random): Work {
  const part = aStretch(r, 'pages')
  const first = r.int(PAGES)
  const numbers = Array.from({ length: 4 + r.int(10) }, (_, n) => (first + n) % PAGES)
  if (r.chance(0.05)) return { what: 'clear', steps: [view => view.clear(r.chance(0.5) ? 'notes' : 'pages')] }
  const steps: Act[] = r.chance(0.5)
    ? [view => view.deleteRange('pages', part)]
    : numbers.map(
        (n): Act =>
          view =>
            view.set('pages', pageName(n), 'text'),
      )
  return { what: 'many', steps }
}

// ---- queue, set, counter ----

function produce(r: Random): Work {
  const count = 1 + r.int(3)
  const look: Act[] = r.chance(0.1) ? [view => void view.jobs()] : []
  return { what: 'produce', steps: [view => view.pushJobs(count), ...look] }
}

function consume(r: Random): Work {
  const note = noteName(r.int(8))
  return {
    what: 'consume',
    steps: [
      ...(r.chance(0.2) ? [(view: View) => view.firstJob()] : []),
      ...Array.from({ length: 1 + r.int(4) }, (): Act => view => void view.takeJob()),
      ...(r.chance(0.2) ? [(view: View) => view.set('notes', note, 'text')] : []),
    ],
  }
}

function token(r: Random): Work {
  const steps = Array.from({ length: 1 + r.int(3) }, () =>
    r.pick<Act>([view => view.addToken(), view => view.takeToken(), view => void view.tokenCount()]),
  )
  return { what: 'token', steps }
}

function visit(r: Random): Work {
  const times = 1 + r.int(5)
  const look: Act[] = r.chance(0.1) ? [view => void view.visits()] : []
  return { what: 'visit', steps: [view => view.visit(times), ...look] }
}

const ofCollections = [edit, edit, edit, compare, sumUp, many, produce, consume, token, visit]

// ---- several ----

/** Two or three of the others as one. */
function several(r: Random): Work {
  const others = [transfer, append, ends, signOff, fill, ...ofCollections]
  const parts = Array.from({ length: 2 + r.int(2) }, () => r.pick(others)(r))
  return { what: parts.map(({ what }) => what).join(' and '), steps: parts.flatMap(({ steps }) => steps) }
}

function looks(r: Random): Work {
  const look = (): Act =>
    r.pick<Act>([
      view => void view.slot(r.int(sizes.slots)),
      view => void view.list(r.int(sizes.lists)),
      view => void view.balance(r.int(sizes.accounts)),
      view => void view.onCall(r.int(2 * sizes.pairs)),
      ask(r, aMap(r)),
      ask(r, aMap(r)),
      view => void view.jobs(),
      view => void view.jobCount(),
      view => view.tokens(),
      view => void view.visits(),
    ])
  return { what: 'looks', steps: Array.from({ length: 2 + r.int(8) }, look) }
}

function balances(r: Random): Work {
  let total = 0
  const order = r.shuffle(Array.from({ length: sizes.accounts }, (_, n) => n))
  return {
    what: 'balances',
    steps: [
      () => void (total = 0),
      ...order.map(n => (view: View) => void (total += view.balance(n))),
      () => assert.equal(total, TOTAL, 'no money is made or lost'),
    ],
  }
}

function everything(): Work {
  const steps = [(view: View) => void view.everything(), (view: View) => void view.everything()]
  return { what: 'everything twice', steps }
}
