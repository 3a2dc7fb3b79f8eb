package api

import (
	"strings"

	"github.com/weirhq/weir/topics"
)

// approve makes the API key of the call the approver of what somebody else asked for: of the two people it takes, the one
// who lets it happen is the one who is known for certain.
func (c *call) approve(requester string, approver *string, what string) error {
	if err := c.key.mayApprove(); err != nil {
		return err
	}
	*approver = c.key.Name
	switch requester = strings.TrimSpace(requester); {
	case requester == "":
		return invalid("requested_by", "requested_by: is missing; want who asked for what this API key approves")
	case topics.SamePerson(requester, *approver):
		return invalid("requested_by", "requested_by: is this API key, which approves, or looks like it; "+what+" needs two people")
	}
	return nil
}
