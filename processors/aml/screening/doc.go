// Package screening matches customers with the entries of sanctions and PEP lists. It is pure: no clock and no topics; lists
// come from lists, and how names are compared is of names.
//
//   - Subject is whom to screen; Hit is an entry that is too much like it, with the score and each reason for it.
//   - Index finds, for one subject, every entry of a set of lists whose score reaches the threshold, and no other: what it
//     answers is what comparing all entries would (S1).
//   - Allowed are hits that a person has looked at and put aside, until they expire, or the entry or the customer changes.
//   - Differ is what a new version of the lists changes for all customers: only entries that were added or have changed are
//     screened, and the result is that of screening everybody against both versions (S2).
//   - Evaluate measures precision and recall on pairs of which somebody has said whether they are the same.
//
// A score does not depend on what else is on the lists, but for how rare words are (names.Weights), which is counted once and
// kept: S2 holds for one set of weights, and a full screening is due when they are counted anew.
package screening
