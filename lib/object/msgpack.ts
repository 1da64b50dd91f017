// msgpackr in the builds without its native accelerator. Their own type declarations point to a module that does not
// resolve; these are the types of the package's main entry, which has the same classes.
import type * as msgpackr from 'msgpackr'
import * as pack from 'msgpackr/pack'
import * as unpack from 'msgpackr/unpack'

export const Packr = (pack as unknown as typeof msgpackr).Packr
export const Unpackr = (unpack as unknown as typeof msgpackr).Unpackr
