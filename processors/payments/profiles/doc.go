// Package profiles decides on the records that say who customers are: Decide (command → change), Evolve (change → record). It is
// pure: no I/O and no clock; now is the record's time. It neither has keys nor sees what is encrypted.
//
// Refusals, in the order in which they are given where several apply (a repeated command comes before all of them and yields
// nothing; the caller sees to it):
//
//	invalid, card_number, too_old   the command as it stands
//	region_mismatch                 the record is of another region
//	version_conflict                the record has another version than the command expects
//
// C1: the versions of a customer's record are 1, 2, 3 …, one for each change.
// C2: a record that was erased has no data, and its data key is gone: it is deleted in the transaction that erases.
package profiles
