package topics

import "time"

// TypeListEdit is the kind of record that risk.lists.v1 holds.
const TypeListEdit = "weir.list.edit.v1"

// ListAction is what a record of risk.lists.v1 does.
type ListAction string

const (
	ListAdd     ListAction = "add"     // puts an entry into the list, in the place of the one that has its value
	ListRemove  ListAction = "remove"  // takes an entry out, be it one of the rule files
	ListApprove ListAction = "approve" // puts a proposed edit into force
	ListReject  ListAction = "reject"  // drops a proposed edit
)

// ListEdit is the value of risk.lists.v1: one change of a list that rules look fields up in. What is in force is the fold
// of all records in their order; one that does not fit (an approval of nothing or too late, an entry too many) changes nothing.
type ListEdit struct {
	// EditID is a UUID, the same in all records of one import; an approval or rejection names the edit that it is of.
	EditID string     `json:"edit_id"`
	Action ListAction `json:"action"`
	List   string     `json:"list"`
	// Match is how the list compared when it was edited. A list that compares otherwise is another one.
	Match string `json:"match"`
	// Tenant is the brand whose list it is; "": the entry is everyone's, where a brand's own edits do not say otherwise.
	Tenant  string    `json:"tenant,omitempty"`
	Value   string    `json:"value,omitempty"`    // add, remove: as the list compares it, such as in small letters
	Expires time.Time `json:"expires,omitzero"`   // add: the entry counts before this moment; absent: for ever
	Propose bool      `json:"proposed,omitempty"` // add, remove: in force once another person approves it, within 30 days
	Reason  string    `json:"reason,omitempty"`
	Author  string    `json:"author"` // of an approval or a rejection: whose it is
	At      time.Time `json:"at"`     // by the clock of who wrote it
}
