// Who takes part. A name may have a mode behind a plus sign: `lmdb+writemap`.
import type { Contender, Opened, Result, Settings } from './contender.js'
import { floor } from './contenders/floor.js'
import { level } from './contenders/level.js'
import { lmdb } from './contenders/lmdb.js'
import { perdure, perdurePlain } from './contenders/perdure.js'
import { sqlite } from './contenders/sqlite.js'
import { isInstalled } from './peer.js'

const CONTENDERS: Record<string, Contender> = { perdure, 'perdure-plain': perdurePlain, floor, lmdb, sqlite, level }

/** Packages that are not the project's. */
export const PEERS = ['lmdb', 'better-sqlite3', 'classic-level'] as const

/** The name without its mode: contenders that share it read each other's files. */
export function kindOf(name: string): string {
  return name.split('+')[0] ?? name
}

function contender(name: string): Contender {
  const found = CONTENDERS[kindOf(name)]
  if (found === undefined) throw new Error(`no contender ${name}: there are ${Object.keys(CONTENDERS).join(', ')}`)
  return found
}

export function canRun(name: string): boolean {
  const { needs } = contender(name)
  return needs === undefined || isInstalled(needs)
}

export function isPeer(name: string): boolean {
  return contender(name).needs !== undefined
}

export function openContender(name: string, dir: string, settings: Omit<Settings, 'mode'>): Result<Opened> {
  return contender(name).open(dir, { ...settings, mode: name.split('+')[1] ?? '' })
}
