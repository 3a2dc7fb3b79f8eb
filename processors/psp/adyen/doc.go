// Package adyen is the adapter of Adyen: card payments by the Checkout API, modifications, and standard notifications.
//
// Adyen answers an authorisation at once and a capture, void or refund later, by a notification. Every payment is
// authorised for a capture of its own, which weir asks for.
//
// Of a notification only eight fields are signed (package webhook), and only those are read: the merchant's reference is
// the payment's id, with a slash and the request's id behind it in modifications.
//
// Adyen has no look-up of what was sent. It knows an idempotency key for a month and answers a repeat as it answered the
// first, so that a request without an answer is repeated before its NotAfter, and never later. A repeat that is refused says
// nothing of the first. What that does not tell comes by notification.
package adyen
