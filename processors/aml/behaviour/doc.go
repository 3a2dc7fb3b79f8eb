// Package behaviour is what AML (anti-money laundering) knows of how each customer usually moves money: how often, how much and
// by how many instruments over 1 to 365 days. It is pure: a Profile is a fold of a customer's events.
//
// # What is kept
//
// A Profile keeps a cell of counts and sums for each day on which something happened, for 31 days at least; older days are
// added up by weeks, and after 98 days by four weeks (cell.go). Weeks and days lie on one grid, so the cells depend on
// the events and on the latest of them alone:
//
//	B1  Profiles of the same events, in any order, encode to the same bytes.
//	B2  A window of up to 31 days is exact. A longer one is never too low, and too high by what happened in less than 7 days
//	    before it, or 28 for one of more than 98 days; it then says approximate.
//
// Distinct values are kept as the latest day of each, for the latest 20 instruments and counterparties in each direction; a
// window in which all of them lie says at least.
//
// Days are business days: they begin at Config.DayStart. An event's time is clamped to [recorded − lateness, recorded].
//
// # Why not rules/velocity
//
// Velocity answers what arrived before an attempt, to the millisecond, over days: it keeps 32 bytes for each event, and its
// answer depends on the order of arrival, as a decision must. Monitoring asks for a year (at 20 events a day 230 kB a
// customer) and for the same answer when events come late, only later; it needs amounts in and out side by side, and no reply in
// a millisecond.
package behaviour
