package ruletopic

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// standing are the live deployments that processes took into force, first to last, without their archives. required says
// whether one more needs a second person's approval: from where the configuration wants it, or a set that two people agreed to
// came into force, until two people agree to one that ends it.
func (b *Book) standing() (of []*topics.RuleDeployment, required bool) {
	for i := range b.History {
		d := &b.History[i]
		if d.Slot != topics.RulesLive || Check(d, b.fourEyes || required) != nil {
			continue
		}
		of, required = append(of, d), approved(d) && !d.OnePerson
	}
	return of, b.fourEyes || required
}

// FourEyes says whether a live set needs a second person's approval.
func (b *Book) FourEyes() bool {
	_, required := b.standing()
	return required
}

// InForce is the live set that processes decide by: the latest, or, where that needs an approval that it does not have, the
// last one before it that does not; nil where there is none.
func (b *Book) InForce() *topics.RuleDeployment {
	past, required := b.standing()
	if b.Live != nil && Check(&b.Live.RuleDeployment, required) == nil {
		return &b.Live.RuleDeployment
	}
	if len(past) == 0 {
		return nil
	}
	return b.withArchive(past[len(past)-1])
}

// Refused is the deployment that processes do not take into force for want of an approval; nil where they take the latest.
func (b *Book) Refused() *Deployment {
	if b.Live != nil && Check(&b.Live.RuleDeployment, b.FourEyes()) != nil {
		return b.Live
	}
	return nil
}

// Past are the sets that processes have decided by, the last first, with their archives.
func (b *Book) Past() (of []*topics.RuleDeployment) {
	past, _ := b.standing()
	for _, d := range slices.Backward(past) {
		if d = b.withArchive(d); d != nil {
			of = append(of, d)
		}
	}
	return of
}

// Before is the set to go back to from the latest: the last that processes decided by before; nil where there is none.
func (b *Book) Before() *topics.RuleDeployment {
	for _, d := range b.Past() {
		if b.Live != nil && d.RuleSet != b.Live.RuleSet {
			return d
		}
	}
	return nil
}

// withArchive is a deployment of the history as it was deployed; nil where its set is not kept.
func (b *Book) withArchive(past *topics.RuleDeployment) *topics.RuleDeployment {
	set := b.sets[past.RuleSet]
	if set == nil {
		return nil
	}
	d := *past
	d.Archive = set.Archive
	return &d
}
