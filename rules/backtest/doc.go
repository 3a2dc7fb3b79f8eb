// Package backtest replays history through velocity by the time of its events: the data path of weir rules backtest.
// It is pure: it reads what it is given and reads no clock.
//
// # Input
//
// History is a text of one JSON object to a line, in the order of their times: an attempt, a custom event, or what became
// of an earlier attempt. An object is flat: its members are columns of a table, named as rules name the fields, and null
// or absent where a row has no value.
//
//	{"time":"2026-03-01T12:00:00Z","id":"p1","customer.id":"c7","payment.amount":25.00,"payment.currency":"EUR",
//	 "card.fingerprint":"fp_7Hq2","context.ip":"203.0.113.7","approved_at":"2026-03-01T12:00:02Z"}
//
// (on one line). The columns are
//
//	time          when it happened: RFC 3339, or milliseconds since 1970; required
//	id            of the payment, or of the event; required. An attempt has one line: the same id again is an error
//	event         the name of a custom event, such as login; payout and dispute count as they do live; absent for an attempt
//	outcome       what became of the attempt with this id, on a line of its own: approved, declined, refunded, disputed,
//	              paid_out, or ended where it is over in another way
//	approved_at   the same in columns of the attempt's line: when it was approved
//	declined_at   when it was declined, and in declined_as the category, such as hard
//	refunded_at, disputed_at, paid_out_at, ended_at
//	fraud         whether the attempt was fraud: true or false
//
// and any field of the rules' manual. payment.amount is in major units, as a number or a text, with payment.currency
// beside it or the currency after it, as in "25.00 EUR"; on a line with an outcome it is that of the outcome, such as a
// part that is refunded. tenant is "default" where it is absent. Columns whose names begin with _ are left alone. Anything
// else is an error that names the line: a misspelt column would make every rule that reads it miss. A line with a raw card
// number is refused. The manual of rules has the ten lines of Python and of SQL that write such a file.
//
// # Replay
//
// Each attempt is answered by velocity from what came before it, outcomes included at their own times, and handed on with
// the answers. History is taken as it was: what a rule set under test would have blocked still counts.
//
// Memory does not grow with the history: there are the keys of velocity that lie in some window, the outcomes of columns
// until their time comes, at most 1,048,576 attempts whose outcomes may come on lines of their own, and the ids of as many.
package backtest
