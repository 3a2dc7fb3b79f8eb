package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/topics"
)

// pays takes the payment link that a created event names, "" for none.
func (p *Payment) pays(linkID string) error {
	if linkID == "" {
		return nil
	}
	link, err := topics.ParseLinkID(linkID)
	if err != nil {
		return fmt.Errorf("created of payment %s: %w", p.ID, err)
	}
	p.Link = link.UUID
	return nil
}
