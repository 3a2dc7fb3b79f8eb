// Package routing decides which PSPs may be asked for a payment's authorisation, and in which order, by a file that
// analysts write. It is pure: time, seeds and what was learnt are arguments. docs/routing.md is the manual of those files.
//
//	Load, Compile  file.go, parse.go: a file to a Set; its conditions are those of rules (rules.Conditions)
//	Set.Test       check.go: the tests in the file
//	Set.Plan       plan.go: one payment's plan; order.go, cost.go: the strategies
//	State          state.go: what became of requests: health.go by PSP, learn.go and daily.go by route
//	Feed           feed.go: results from the events of payments
//
// # Invariants
//
//   - T1: the same Set, payment, time, switches and learnt counts give the same plan. What a plan was drawn from stands in it.
//   - T2: a PSP stands at most once among the candidates, and never both there and among those left out.
//   - T3: where any route takes the payment, a PSP that is unhealthy or switched off stands among the candidates only if all are.
//     One left out for that alone is asked later, by a payment that waits.
//   - T4: money is whole minor units; costs compare exactly, in millionths of a minor unit.
package routing
