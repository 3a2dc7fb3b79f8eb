// Package velocity counts what happened to each card, device, customer and other dimension value: it reads
// risk.signals.v1, answers each signal in risk.features.v1, and keeps what it counts in weir.velocity.v1.
//
//	risk ── risk.signals.v1, in the partition that owns the value ──► velocity ── risk.features.v1, in the command's ──► risk
//	                                                                   │  ▲
//	                                                    weir.velocity.v1, once a second
//
// A partition owns its dimension values, so that attempts on one card at the same time come one after the other, and each
// is answered with those before it. What is counted and how is the business of rules/velocity, which is pure; how a partition
// is owned, restored and flushed that of stream.Table.
//
// Answers wait for no transaction: after a crash the signals since the last flush are applied again, to the same answers.
package velocity
