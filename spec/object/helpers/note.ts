// Options of a transaction, for whoever imports all of it.

export const note = 'of a module'
