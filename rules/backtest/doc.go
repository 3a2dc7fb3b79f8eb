// Package backtest replays history through velocity by the time of its events: the data path of weir rules backtest.
// It is pure: it reads what it is given and reads no clock.
//
// # Input
//
// History is a text of one JSON object for each attempt or custom event, in the order of their times, one to a line. An
// object is flat: its members are columns of a table, named as rules name the fields, and null or absent where a row has
// no value.
//
//	{"time":"2026-03-01T12:00:00Z","id":"p1","customer.id":"c7","payment.amount":25.00,"payment.currency":"EUR",
//	 "card.fingerprint":"fp_7Hq2","context.ip":"203.0.113.7","approved_at":"2026-03-01T12:00:02Z"}
//
// (on one line). The columns are
//
//	time          when it happened: RFC 3339, or milliseconds since 1970; required
//	id            of the payment, or of the event; required
//	event         the name of a custom event, such as login; absent for an attempt
//	approved_at   when the attempt was approved
//	declined_at   when it was declined, and in declined_as the category, such as hard
//	refunded_at   when it was refunded
//	disputed_at   when it was disputed
//	paid_out_at   when it was paid out
//
// and any field of the rules' manual. payment.amount is in major units, as a number or a text, with payment.currency
// beside it or the currency after it, as in "25.00 EUR". tenant is "default" where it is absent. Columns whose names
// begin with _ are left alone. Anything else is an error that names the line: a misspelt column would make every rule
// that reads it miss. A line with a raw card number is refused.
//
// With pandas, where df is any table:
//
//	df = df.rename(columns={"created": "time", "payment_id": "id", "card": "card.fingerprint", "amount": "payment.amount"})
//	df.sort_values("time").to_json("history.ndjson", orient="records", lines=True)
//
// # Replay
//
// Each attempt is answered by velocity from what came before it, outcomes included at their own times, and handed on with
// the answers. History is taken as it was: what a rule set under test would have blocked still counts.
package backtest
