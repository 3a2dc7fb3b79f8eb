// Package sandbox is a payment service provider for development and tests: an HTTP server that authorises, captures,
// voids and refunds cards that do not exist, and pays out to them. The card's token decides what happens (GET /v1/tokens
// lists them), so every outcome that a real provider can produce, its timeouts and late or repeated webhooks included,
// can be had at will and again.
//
// It keeps its promises as a good provider does: a request is performed once for each Idempotency-Key, a repeat with
// the same body gets the same answer and one with another body is refused; a webhook is delivered until it is
// answered by a 2xx, always with the same event id.
package sandbox
