package deliveries

import "iter"

// source gives the deliveries of one partition in the order of their offsets. After an error it gives nothing.
type source = iter.Seq2[*Delivery, error]

// merge hands out what sources give, each time the head that was received first, of equals that of the source that stands
// first: the order of each source stays. An error, of a source or of handle, ends it and is returned.
func merge(sources []source, handle func(*Delivery) error) error {
	type head struct {
		delivery *Delivery // nil: there is no more
		next     func() (*Delivery, error, bool)
	}
	heads := make([]head, len(sources))
	advance := func(h *head) (err error) {
		h.delivery, err, _ = h.next()
		return err
	}
	for i, s := range sources {
		next, stop := iter.Pull2(s)
		defer stop()
		heads[i].next = next
		if err := advance(&heads[i]); err != nil {
			return err
		}
	}
	for {
		var first *head
		for i := range heads {
			if h := &heads[i]; h.delivery != nil && (first == nil || h.delivery.Received.Before(first.delivery.Received)) {
				first = h
			}
		}
		if first == nil {
			return nil
		}
		if err := handle(first.delivery); err != nil {
			return err
		}
		if err := advance(first); err != nil {
			return err
		}
	}
}
