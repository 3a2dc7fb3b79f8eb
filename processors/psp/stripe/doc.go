// Package stripe is the adapter of Stripe: card payments by PaymentIntents, refunds, and the events of both.
//
// What it keeps at Stripe is metadata on what it creates: weir_payment, weir_tenant and weir_request, and weir_capture on
// what it captures. Answers, lists and events are matched by them alone.
//
// A request that got no answer is looked for among the PaymentIntents that were created in the time in which it may have
// been sent. Lists show what was written before, as searches of Stripe do not, so that what they lack was not performed.
package stripe
