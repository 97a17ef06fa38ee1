//! From a tree to a program.
//!
//! What is left to emit stands on a stack of tasks, so a deep tree needs no recursion. Jumps name labels, which become
//! numbers of instructions at the end.

use super::Pace;
use super::analysis::{self, First, Length};
use super::ast::*;
use super::ctype;
use super::options::Options;
use super::parse::Parsed;
use super::program::{Header, Inst, NONE, Op, Program, run};
use super::set::Set;
use super::{text, unicode};
use alloc::vec;
use alloc::vec::Vec;

/// Nodes or instructions that are looked at in the time of one that is emitted.
const WALKED: usize = 8;

/// A place in the code that is known later.
type Label = u32;

enum Task {
    Node(NodeId),
    Inst(Inst),
    Bind(Label),
    /// Back to what was outside: the slot of the enclosing alternation, the end of the enclosing lookaround.
    Leave(Option<u32>, Option<(Label, bool)>),
    /// A capturing group ends here.
    CloseGroup(u32),
}

struct Emitter<'a> {
    ast: &'a Ast,
    utf: bool,
    newline_is_lf: bool,
    code: Vec<Inst>,
    data: Vec<u8>,
    tasks: Vec<Task>,
    labels: Vec<u32>,
    group_labels: Vec<Label>,
    slots: u32,
    firsts: Vec<First>,
    lengths: Vec<Length>,
    /// Where each set is in the data, once it is.
    set_places: Vec<Option<u32>>,
    /// The slot of the innermost alternation with a `(*THEN)` in it.
    then_slot: Option<u32>,
    /// The end of the innermost lookaround.
    look_end: Option<(Label, bool)>,
    /// Groups that are open, for `(*ACCEPT)`.
    open_groups: Vec<u32>,
    /// The single-character item that surely follows the node being emitted, if any.
    has_then: Vec<bool>,
}

/// The program of a parsed pattern, as bytes.
pub fn emit(parsed: &Parsed, pace: &mut Pace<'_>) -> Vec<u8> {
    let ast = &parsed.ast;
    let options = parsed.compile.options;
    let utf = options.has(Options::UTF);
    // Each of these is one walk over the nodes.
    let walk = ast.nodes.len() / WALKED;
    let firsts = analysis::first_bytes(ast, utf);
    pace.did(walk);
    let lengths = analysis::fixed_lengths(ast, utf);
    pace.did(walk);
    let has_then = nodes_with_then(ast);
    pace.did(walk);
    let mut emitter = Emitter {
        ast,
        utf,
        newline_is_lf: parsed.compile.newline == super::options::Newline::Lf,
        code: Vec::new(),
        data: Vec::new(),
        tasks: Vec::new(),
        labels: Vec::new(),
        group_labels: Vec::new(),
        slots: 3 * (ast.groups + 1),
        firsts,
        lengths,
        set_places: vec![None; ast.sets.len()],
        then_slot: None,
        look_end: None,
        open_groups: Vec::new(),
        has_then,
    };
    for _ in 0..=ast.groups {
        let label = emitter.label();
        emitter.group_labels.push(label);
    }
    emitter
        .tasks
        .push(Task::Inst(Inst::new(Op::Match, 0, 0, 0)));
    emitter.tasks.push(Task::Node(ast.root));
    emitter.run(pace);
    emitter.bind_labels();
    pace.did(emitter.code.len() / WALKED);
    emitter.finish(parsed)
}

/// Which nodes have a `(*THEN)` somewhere below.
fn nodes_with_then(ast: &Ast) -> Vec<bool> {
    let mut found: Vec<bool> = Vec::with_capacity(ast.nodes.len());
    for node in &ast.nodes {
        let has = match *node {
            Node::Verb(Verb::Then) => true,
            Node::Concat(list) | Node::Group(_, list) => {
                ast.list(list).iter().any(|id| found[*id as usize])
            }
            Node::Repeat { item, .. } => found[item as usize],
            _ => false,
        };
        found.push(has);
    }
    found
}

impl Emitter<'_> {
    fn label(&mut self) -> Label {
        self.labels.push(NONE);
        self.labels.len() as Label - 1
    }

    fn slot(&mut self) -> u32 {
        self.slots += 1;
        self.slots - 1
    }

    fn push(&mut self, inst: Inst) {
        self.code.push(inst);
    }

    /// Tasks to do in this order.
    fn then(&mut self, tasks: Vec<Task>) {
        self.tasks.extend(tasks.into_iter().rev());
    }

    fn run(&mut self, pace: &mut Pace<'_>) {
        while let Some(task) = self.tasks.pop() {
            pace.did(1);
            match task {
                Task::Node(id) => self.node(id),
                Task::Inst(inst) => self.push(inst),
                Task::Bind(label) => self.labels[label as usize] = self.code.len() as u32,
                Task::Leave(then_slot, look_end) => {
                    self.then_slot = then_slot;
                    self.look_end = look_end;
                }
                Task::CloseGroup(group) => {
                    self.open_groups.pop();
                    let start = 2 * (self.ast.groups + 1) + group;
                    self.push(Inst::new(Op::Close, group, start, 0));
                }
            }
        }
    }

    fn bind_labels(&mut self) {
        for inst in &mut self.code {
            let target = match inst.op {
                Op::Jump
                | Op::Choice
                | Op::LazyChoice
                | Op::ExitIfEmpty
                | Op::CountGreedy
                | Op::CountLazy
                | Op::LoopBack
                | Op::Call
                | Op::UnlessGroup
                | Op::UnlessNamed
                | Op::UnlessRecursion => &mut inst.a,
                Op::LookBegin | Op::NotBegin | Op::NotEnd if inst.c != NONE => &mut inst.c,
                _ => continue,
            };
            *target = self.labels[*target as usize];
        }
    }

    fn place_set(&mut self, index: u32) -> u32 {
        if let Some(place) = self.set_places[index as usize] {
            return place;
        }
        let place = self.ast.sets[index as usize].encode(&mut self.data);
        self.set_places[index as usize] = Some(place);
        place
    }

    /// The instruction for a node that is a single character: kind of run, and operands.
    fn single(&mut self, node: Node) -> Option<(u8, u32, u32)> {
        Some(match node {
            Node::Char { c, caseless } => {
                if !self.utf {
                    let other = ctype::other_case(c as u8) as u32;
                    if caseless && other != c {
                        return Some((run::EITHER_BYTE, c, other));
                    }
                    return Some((run::BYTE, c, 0));
                }
                let mut others = Vec::new();
                if caseless {
                    unicode::other_cases(c, &mut others);
                }
                match others[..] {
                    [] if c < 128 => return Some((run::BYTE, c, 0)),
                    [other] if c < 128 && other < 128 => {
                        return Some((run::EITHER_BYTE, c, other));
                    }
                    _ => {}
                }
                let mut set = Set::default();
                set.add(c);
                for other in others {
                    set.add(other);
                }
                (run::SET, set.encode(&mut self.data), 0)
            }
            Node::Set(index) => (run::SET, self.place_set(index), 0),
            Node::NotNewline => (run::NOT_NEWLINE, 0, 0),
            Node::AnyChar if !self.utf => (run::ANY_BYTE, 0, 0),
            Node::AnyChar => (run::ANY_CHAR, 0, 0),
            Node::AnyByte => (run::ANY_BYTE, 0, 0),
            Node::NewlineSequence => (run::NEWLINE_SEQUENCE, 0, 0),
            Node::GraphemeCluster => (run::GRAPHEME_CLUSTER, 0, 0),
            _ => return None,
        })
    }

    fn node(&mut self, id: NodeId) {
        let node = self.ast.node(id);
        if let Some((kind, a, b)) = self.single(node) {
            let op = match kind {
                run::BYTE => Op::Byte,
                run::EITHER_BYTE => Op::EitherByte,
                run::SET => Op::Set,
                run::NOT_NEWLINE => Op::NotNewline,
                run::ANY_CHAR => Op::AnyChar,
                run::ANY_BYTE => Op::AnyByte,
                run::NEWLINE_SEQUENCE => Op::NewlineSequence,
                _ => Op::GraphemeCluster,
            };
            self.push(Inst::new(op, a, b, 0));
            return;
        }
        match node {
            Node::Assertion(assertion) => {
                self.push(Inst::new(Op::Assertion, assertion as u32, 0, 0));
            }
            Node::KeepOut => self.push(Inst::new(Op::KeepOut, 0, 0, 0)),
            Node::BackReference { group, caseless } => {
                let mut inst = match group {
                    GroupRef::Number(number) => Inst::new(Op::BackReference, number, 0, 0),
                    GroupRef::Name(first, last) => Inst::new(Op::NamedReference, first, last, 0),
                };
                inst.x = caseless as u8;
                self.push(inst);
            }
            Node::Recurse(group) => {
                let number = match group {
                    GroupRef::Number(number) => number,
                    GroupRef::Name(..) => 0,
                };
                let label = self.group_labels[number as usize];
                self.push(Inst::new(Op::Call, label, number, 0));
            }
            Node::Verb(verb) => self.verb(verb),
            Node::Concat(list) => self.concat(list),
            Node::Group(kind, list) => self.group(id, kind, list),
            Node::Repeat {
                item,
                min,
                max,
                mode,
            } => self.repeat(item, min, max, mode, None),
            _ => {}
        }
    }

    fn verb(&mut self, verb: Verb) {
        let (op, a) = match verb {
            Verb::Accept => {
                for i in (0..self.open_groups.len()).rev() {
                    let group = self.open_groups[i];
                    let start = 2 * (self.ast.groups + 1) + group;
                    // `x`: the group is closed, but nothing returns from it.
                    let mut close = Inst::new(Op::Close, group, start, 0);
                    close.x = 1;
                    self.push(close);
                }
                match self.look_end {
                    Some((label, _)) => (Op::Jump, label),
                    None => (Op::Accept, 0),
                }
            }
            Verb::Fail => (Op::Fail, 0),
            Verb::Commit => (Op::Commit, 0),
            Verb::Prune => (Op::Prune, 0),
            Verb::Skip => (Op::Skip, 0),
            Verb::SkipTo(mark) => (Op::SkipTo, mark),
            Verb::Mark(mark) => (Op::Mark, mark),
            Verb::Then => match self.then_slot {
                Some(slot) => (Op::Then, slot),
                None => (Op::Prune, 0),
            },
        };
        self.push(Inst::new(op, a, 0, 0));
    }

    /// Characters side by side become one literal.
    fn concat(&mut self, list: List) {
        let items = self.ast.list(list);
        let mut tasks = Vec::with_capacity(items.len());
        let mut literal = Vec::new();
        let mut i = 0;
        while i < items.len() {
            let begin = i;
            literal.clear();
            while let Some(&item) = items.get(i)
                && let Some(c) = self.plain_char(item)
            {
                text::encode(c, self.utf, &mut literal);
                i += 1;
            }
            if literal.len() > 1 {
                let at = self.data.len() as u32;
                self.data.extend_from_slice(&literal);
                let inst = Inst::new(Op::Literal, at, literal.len() as u32, 0);
                tasks.push(Task::Inst(inst));
                continue;
            }
            i = begin + 1;
            let id = items[begin];
            match self.ast.node(id) {
                Node::Repeat {
                    item,
                    min,
                    max,
                    mode,
                } => {
                    if let Some(inst) = self.run_inst(item, min, max, mode, items.get(i).copied()) {
                        tasks.push(Task::Inst(inst));
                    } else {
                        tasks.push(Task::Node(id));
                    }
                }
                _ => tasks.push(Task::Node(id)),
            }
        }
        self.then(tasks);
    }

    /// The character of a node that stands for itself only.
    fn plain_char(&self, id: NodeId) -> Option<u32> {
        let Node::Char { c, caseless } = self.ast.node(id) else {
            return None;
        };
        if !caseless {
            return Some(c);
        }
        if !self.utf {
            return (ctype::other_case(c as u8) as u32 == c).then_some(c);
        }
        let mut others = Vec::new();
        unicode::other_cases(c, &mut others);
        others.is_empty().then_some(c)
    }

    fn group(&mut self, id: NodeId, kind: GroupKind, list: List) {
        match kind {
            GroupKind::Root => {
                let label = self.group_labels[0];
                self.labels[label as usize] = self.code.len() as u32;
                self.alternatives(id, list, None);
            }
            GroupKind::Plain => self.alternatives(id, list, None),
            GroupKind::Capture(group) => {
                let label = self.group_labels[group as usize];
                if self.labels[label as usize] == NONE {
                    self.labels[label as usize] = self.code.len() as u32;
                }
                let start = 2 * (self.ast.groups + 1) + group;
                self.push(Inst::new(Op::Remember, start, 0, 0));
                self.open_groups.push(group);
                self.tasks.push(Task::CloseGroup(group));
                self.alternatives(id, list, None);
            }
            GroupKind::Atomic => {
                let slot = self.slot();
                self.push(Inst::new(Op::AtomicBegin, slot, 0, 0));
                self.tasks
                    .push(Task::Inst(Inst::new(Op::AtomicEnd, slot, 0, 0)));
                self.alternatives(id, list, None);
            }
            GroupKind::Look { behind, negative } => {
                self.look(id, list, behind, negative, None);
            }
            GroupKind::Conditional(condition) => self.conditional(condition, list),
        }
    }

    /// A lookaround; as a condition, it goes on to `otherwise` when it does not hold.
    fn look(
        &mut self,
        id: NodeId,
        list: List,
        behind: bool,
        negative: bool,
        otherwise: Option<Label>,
    ) {
        let height = self.slot();
        let end = self.label();
        self.tasks.push(Task::Leave(self.then_slot, self.look_end));
        if negative {
            let holds = self.label();
            self.push(Inst::new(Op::NotBegin, height, 0, holds));
            self.tasks.push(Task::Bind(holds));
            let target = otherwise.unwrap_or(NONE);
            self.tasks
                .push(Task::Inst(Inst::new(Op::NotEnd, height, 0, target)));
        } else {
            let position = self.slot();
            let target = otherwise.unwrap_or(NONE);
            self.push(Inst::new(Op::LookBegin, height, position, target));
            self.tasks
                .push(Task::Inst(Inst::new(Op::LookEnd, height, position, 0)));
        }
        self.tasks.push(Task::Bind(end));
        // From a positive lookaround, verbs reach outside. A condition just does not hold when one backtracks to a `(*THEN)`.
        if negative {
            self.then_slot = None;
        } else if otherwise.is_some() && self.has_then[id as usize] {
            let slot = self.slot();
            self.push(Inst::new(Op::AlternativeBegin, slot, 0, 0));
            self.then_slot = Some(slot);
        }
        self.look_end = Some((end, negative));
        let back = behind.then_some(());
        self.alternatives(id, list, back);
    }

    fn conditional(&mut self, condition: Condition, list: List) {
        let alternatives = self.ast.list(list);
        let (yes, no) = (alternatives[0], alternatives.get(1).copied());
        let (no_label, end) = (self.label(), self.label());
        let mut tasks = Vec::new();
        match condition {
            Condition::Group(GroupRef::Number(number)) => {
                self.push(Inst::new(Op::UnlessGroup, no_label, number, 0));
            }
            Condition::Group(GroupRef::Name(first, last)) => {
                self.push(Inst::new(Op::UnlessNamed, no_label, first, last));
            }
            Condition::AnyRecursion => {
                self.push(Inst::new(Op::UnlessRecursion, no_label, NONE, 0));
            }
            Condition::Recursion(GroupRef::Number(number)) => {
                self.push(Inst::new(Op::UnlessRecursion, no_label, number, 0));
            }
            Condition::Recursion(GroupRef::Name(..)) => {}
            Condition::Define => self.push(Inst::new(Op::Jump, no_label, 0, 0)),
            Condition::Look(_) => {}
        }
        tasks.push(Task::Node(yes));
        tasks.push(Task::Inst(Inst::new(Op::Jump, end, 0, 0)));
        tasks.push(Task::Bind(no_label));
        tasks.extend(no.map(Task::Node));
        tasks.push(Task::Bind(end));
        self.then(tasks);
        if let Condition::Look(look) = condition
            && let Node::Group(GroupKind::Look { behind, negative }, inner) = self
                .ast
                .nodes
                .get(look as usize)
                .copied()
                .unwrap_or(Node::Empty)
        {
            self.look(look, inner, behind, negative, Some(no_label));
        }
    }

    /// One of several; with `back`, each begins as many characters back as it is long.
    fn alternatives(&mut self, id: NodeId, list: List, back: Option<()>) {
        let items = self.ast.list(list);
        let end = self.label();
        let mut tasks = Vec::new();
        let slot = (items.len() > 1 && self.has_then[id as usize]).then(|| self.slot());
        if let Some(slot) = slot {
            tasks.push(Task::Leave(Some(slot), self.look_end));
        }
        for (i, &item) in items.iter().enumerate() {
            let is_last = i + 1 == items.len();
            let next = self.label();
            if !is_last {
                let first = match (back, self.firsts[item as usize].members(1)) {
                    (None, Some(bytes)) => bytes.first().map_or(NONE, |byte| *byte as u32),
                    _ => NONE,
                };
                tasks.push(Task::Inst(Inst::new(Op::Choice, next, first, 0)));
            }
            if let Some(slot) = slot {
                tasks.push(Task::Inst(Inst::new(Op::AlternativeBegin, slot, 0, 0)));
            }
            if back.is_some()
                && let Length::Fixed(length) = self.lengths[item as usize]
                && length > 0
            {
                tasks.push(Task::Inst(Inst::new(Op::Back, length, 0, 0)));
            }
            tasks.push(Task::Node(item));
            if !is_last {
                tasks.push(Task::Inst(Inst::new(Op::Jump, end, 0, 0)));
                tasks.push(Task::Bind(next));
            }
        }
        if slot.is_some() {
            tasks.push(Task::Leave(self.then_slot, self.look_end));
        }
        tasks.push(Task::Bind(end));
        self.then(tasks);
    }

    /// The instruction for a repeated single character, which knows what follows.
    fn run_inst(
        &mut self,
        item: NodeId,
        min: u32,
        max: u32,
        mode: Mode,
        next: Option<NodeId>,
    ) -> Option<Inst> {
        if max == 0 {
            return None;
        }
        let node = self.ast.node(item);
        let (kind, a, other) = self.single(node)?;
        // Two bytes do not fit into `a`, but as a set they do.
        let (kind, a) = if kind == run::EITHER_BYTE {
            (kind, a | other << 8)
        } else {
            (kind, a)
        };
        let mut mode = mode;
        let mut y = 0;
        if let Some(next) = next
            && !self.ast.can_be_empty[next as usize]
        {
            let first = self.firsts[next as usize];
            if mode == Mode::Greedy && self.is_disjoint(item, &first) {
                mode = Mode::Possessive;
            } else if let Some([byte]) = first.members(1).as_deref() {
                y = 0x100 | *byte as u16;
            }
        }
        let op = match mode {
            Mode::Greedy => Op::RunGreedy,
            Mode::Lazy => Op::RunLazy,
            Mode::Possessive => Op::RunPossessive,
        };
        Some(Inst {
            op,
            x: kind,
            y,
            a,
            b: min,
            c: max,
        })
    }

    /// Whether none of the bytes that may follow can be a part of what is repeated, so that there is no use in giving back.
    fn is_disjoint(&self, item: NodeId, next: &First) -> bool {
        if next.any {
            return false;
        }
        match self.ast.node(item) {
            Node::Char { .. } | Node::Set(_) => {
                let own = self.firsts[item as usize];
                !own.any && own.bytes.iter().zip(next.bytes).all(|(a, b)| a & b == 0)
            }
            Node::NotNewline => {
                let mut newline = [0u8; 32];
                newline[1] = 1 << 2;
                self.newline_is_lf && next.bytes == newline
            }
            _ => false,
        }
    }

    fn repeat(&mut self, item: NodeId, min: u32, max: u32, mode: Mode, next: Option<NodeId>) {
        if let Some(inst) = self.run_inst(item, min, max, mode, next) {
            self.push(inst);
            return;
        }
        let mut tasks = Vec::new();
        if mode == Mode::Possessive {
            let slot = self.slot();
            self.push(Inst::new(Op::AtomicBegin, slot, 0, 0));
            self.tasks
                .push(Task::Inst(Inst::new(Op::AtomicEnd, slot, 0, 0)));
        }
        let lazy = mode == Mode::Lazy;
        let (top, end) = (self.label(), self.label());
        let may_be_empty =
            self.ast.can_be_empty[item as usize] || matches!(self.ast.node(item), Node::Recurse(_));
        let empty_slot = (max == UNLIMITED && may_be_empty).then(|| self.slot());
        let remember = empty_slot.map(|slot| Task::Inst(Inst::new(Op::Remember, slot, 0, 0)));
        let exit = empty_slot.map(|slot| Task::Inst(Inst::new(Op::ExitIfEmpty, end, slot, 0)));
        match (min, max) {
            (0, 0) => {
                tasks.push(Task::Inst(Inst::new(Op::Jump, end, 0, 0)));
                tasks.push(Task::Node(item));
                tasks.push(Task::Bind(end));
            }
            (1, 1) => tasks.push(Task::Node(item)),
            (0, 1) => {
                self.choice(&mut tasks, item, end, lazy);
                tasks.push(Task::Node(item));
                tasks.push(Task::Bind(end));
            }
            (0, UNLIMITED) => {
                tasks.push(Task::Bind(top));
                self.choice(&mut tasks, item, end, lazy);
                tasks.extend(remember);
                tasks.push(Task::Node(item));
                tasks.extend(exit);
                tasks.push(Task::Inst(Inst::new(Op::Jump, top, 0, 0)));
                tasks.push(Task::Bind(end));
            }
            (1, UNLIMITED) => {
                tasks.push(Task::Bind(top));
                tasks.extend(remember);
                tasks.push(Task::Node(item));
                tasks.extend(exit);
                let op = if lazy { Op::Choice } else { Op::LazyChoice };
                tasks.push(Task::Inst(Inst::new(op, top, NONE, 0)));
                tasks.push(Task::Bind(end));
            }
            _ => {
                let count = self.slot();
                self.push(Inst::new(Op::ResetCount, count, 0, 0));
                let op = if lazy { Op::CountLazy } else { Op::CountGreedy };
                tasks.push(Task::Bind(top));
                tasks.push(Task::Inst(Inst::new(op, end, count, 0)));
                tasks.push(Task::Inst(Inst::new(Op::LoopLimits, min, max, 0)));
                tasks.extend(remember);
                tasks.push(Task::Node(item));
                let mut back = Inst::new(Op::LoopBack, top, empty_slot.unwrap_or(NONE), count);
                back.y = min.min(u16::MAX as u32) as u16;
                tasks.push(Task::Inst(back));
                tasks.push(Task::Bind(end));
            }
        }
        self.then(tasks);
    }

    /// To try an item or to go on behind it.
    fn choice(&mut self, tasks: &mut Vec<Task>, item: NodeId, end: Label, lazy: bool) {
        if lazy {
            tasks.push(Task::Inst(Inst::new(Op::LazyChoice, end, NONE, 0)));
            return;
        }
        let first = if self.ast.can_be_empty[item as usize] {
            NONE
        } else {
            match self.firsts[item as usize].members(1).as_deref() {
                Some([byte]) => *byte as u32,
                _ => NONE,
            }
        };
        tasks.push(Task::Inst(Inst::new(Op::Choice, end, first, 0)));
    }

    fn finish(mut self, parsed: &Parsed) -> Vec<u8> {
        let ast = self.ast;
        let mut options = parsed.compile.options;
        if options.has(Options::ANCHORED) || analysis::is_anchored(ast) {
            options = options.with(Options::IS_ANCHORED);
        } else if analysis::starts_line(ast) {
            options = options.with(Options::STARTS_LINE);
        }
        let mut header = Header {
            options,
            newline: parsed.compile.newline.code(),
            bsr_anycrlf: parsed.compile.bsr_anycrlf as u32,
            groups: ast.groups,
            slots: self.slots,
            first: NONE,
            required: NONE,
            match_limit: parsed.match_limit.unwrap_or(NONE),
            recursion_limit: parsed.recursion_limit.unwrap_or(NONE),
            ..Header::default()
        };
        if !ast.has_references
            && let Some(byte) = analysis::required_byte(ast, self.utf)
        {
            header.required = byte as u32;
        }
        let first = self.firsts[ast.root as usize];
        if !first.any && !ast.can_be_empty[ast.root as usize] {
            let few = first.members(3);
            // Where a search begins can be seen when there are verbs; PCRE knows single bytes only.
            let is_known = !ast.has_verbs || first.members(1).is_some();
            if is_known {
                if let Some(bytes) = &few
                    && !bytes.is_empty()
                {
                    header.first_bytes = (bytes.len() as u32) << 24;
                    for (i, byte) in bytes.iter().enumerate() {
                        header.first_bytes |= (*byte as u32) << (8 * i);
                    }
                }
                header.first = self.data.len() as u32;
                self.data.extend_from_slice(&first.bytes);
            }
        }
        if !ast.has_verbs {
            let prefix = analysis::literal_prefix(ast, self.utf);
            if prefix.len() > 1 {
                header.prefix = self.data.len() as u32;
                header.prefix_length = prefix.len() as u32;
                self.data.extend_from_slice(&prefix);
            }
        }
        let mut entries = Vec::new();
        for name in &ast.names {
            entries.push((self.data.len() as u32, name.text.len() as u32, name.group));
            self.data.extend_from_slice(&name.text);
        }
        header.names = self.data.len() as u32;
        header.name_count = entries.len() as u32;
        for (at, length, group) in entries {
            for word in [at, length, group] {
                self.data.extend_from_slice(&word.to_le_bytes());
            }
        }
        Program::encode(&header, &self.code, &self.data)
    }
}
