// Package payments is the fold of payments.inbox.v1: it runs the pure lifecycle over a partition's records, keeps the
// payments and balances it needs in memory, and stores what a batch changed.
//
// The lifecycle decides; nothing here does. This package decodes, drops repeated inputs, looks up, encodes and writes.
// One partition has one owner (stream.Fold sees to it), so what is in memory is what the database holds.
package payments
