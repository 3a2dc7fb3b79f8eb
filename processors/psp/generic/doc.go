// Package generic is the adapter of PSPs that a YAML file describes: which calls are made, what answers and webhooks mean.
// docs/psps.md is its manual.
//
//	file ──► Parse ──► Definition: operations, each a call, its answers and its poll; the webhook
//	request ──► call: path, query, headers and body with values in their places ──► HTTP ──► reading: outcome, amount …
//
// What it must hold besides what every adapter does:
//
//   - A value never becomes syntax. Bodies are trees whose leaves are replaced and then encoded; in paths, queries and forms
//     values are percent-encoded; in headers they may not break the line.
//   - An answer means something only where the file says so. What no part of it fits leaves the outcome unknown.
//   - Amounts are converted exactly, or not at all.
package generic
