//! Traces by their ids, in the order asked for, as a stream that holds one page at a time.
//!
//! In: ids, and where each is. Out: items of a [`TraceStream`](crate::TraceStream). A few traces are asked for together, each its first page; one
//! that has more is read on, page by page, when its turn comes. What is not found where the caller said that it is is looked for everywhere.
//!
//! Pages have as many documents as fit into some megabytes, by those that came before; an answer that is larger than we read is asked for again
//! in smaller pages.

use std::collections::{HashSet, VecDeque};

use futures_util::{Stream, stream};
use model::Buffer;

use super::pages::{Detail, Kept, Page, Seen, body};
use super::{Reader, Window, now_ns};
use crate::elasticsearch::document::Decoder;
use crate::elasticsearch::search::{PAGE_BYTES, Position, Trouble, failed, one, read, several};
use crate::given::Given;
use crate::http_client::Error;
use crate::port::{GetTrace, ReadContext, ReadError, ReadItem};

/// Spans in one item at most.
const CHUNK: usize = 512;
/// Traces that are asked for together.
const MAX_GROUP: usize = 20;
/// Documents of a page at least, while answers are not too large.
const MIN_PAGE: usize = 50;
/// Bytes of a document, before any was seen.
const TYPICAL: usize = 2_048;

/// The traces that are given.
pub(super) struct Traces<'a> {
    reader: &'a Reader,
    cx: &'a ReadContext,
    wanted: VecDeque<(GetTrace, Window)>,
    detail: Detail,
    /// Traces whose first pages were read.
    read: VecDeque<Trace>,
    /// The one that is being given.
    current: Option<Trace>,
    given: Given,
    trouble: Trouble,
    pace: Pace,
    has_ended: bool,
}

/// A trace, as far as it was read.
struct Trace {
    get: GetTrace,
    window: Window,
    spans: VecDeque<Kept>,
    seen: Seen,
    /// Where the last page ended, when there may be another.
    more: Option<Position>,
}

/// How much is asked for at once.
struct Pace {
    group: usize,
    /// Bytes of a document, as of late.
    each: usize,
    /// No page is larger, since one was.
    most: usize,
}

// === impl Traces ===

impl<'a> Traces<'a> {
    pub(super) fn new(
        reader: &'a Reader,
        cx: &'a ReadContext,
        wanted: impl IntoIterator<Item = (GetTrace, Window)>,
        detail: Detail,
        trouble: Trouble,
    ) -> Self {
        let mut asked = HashSet::new();
        let wanted = wanted.into_iter();
        Self {
            reader,
            cx,
            wanted: wanted
                .filter(|(get, _)| asked.insert(get.trace_id))
                .collect(),
            detail,
            read: VecDeque::new(),
            current: None,
            given: Given::default(),
            trouble,
            pace: Pace {
                group: MAX_GROUP,
                each: TYPICAL,
                most: reader.page(),
            },
            has_ended: false,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<ReadItem, ReadError>> + Send + 'a {
        stream::unfold(Box::new(self), |mut traces| async move {
            if traces.has_ended {
                return None;
            }
            let item = Box::pin(traces.next()).await;
            traces.has_ended = !matches!(item, Ok(ReadItem::Spans(_)));
            Some((item, traces))
        })
    }

    async fn next(&mut self) -> Result<ReadItem, ReadError> {
        loop {
            self.cx.check()?;
            let Some(mut trace) = self.current.take() else {
                match self.next_trace().await? {
                    None => return Ok(ReadItem::End(self.trouble.completeness())),
                    Some(trace) => {
                        if let Err(cut) = self.given.trace(&self.cx.limits) {
                            return Ok(self.end(cut));
                        }
                        self.current = Some(trace);
                    }
                }
                continue;
            };
            if trace.spans.is_empty() {
                if let Some(after) = trace.more.take() {
                    self.read_on(&mut trace, after).await?;
                    self.current = Some(trace);
                }
                continue;
            }
            let item = self.chunk(&mut trace);
            self.current = Some(trace);
            return Ok(item);
        }
    }

    /// The next spans of a trace that has some.
    fn chunk(&mut self, trace: &mut Trace) -> ReadItem {
        let mut chunk = Vec::with_capacity(trace.spans.len().min(CHUNK));
        while chunk.len() < CHUNK
            && let Some(kept) = trace.spans.pop_front()
        {
            if let Err(cut) = self.given.span(kept.bytes, &self.cx.limits) {
                if chunk.is_empty() {
                    return self.end(cut);
                }
                trace.spans.push_front(kept);
                break;
            }
            chunk.push(kept.span);
        }
        ReadItem::Spans(chunk)
    }

    fn end(&mut self, cut: String) -> ReadItem {
        self.trouble.note(cut);
        ReadItem::End(self.trouble.completeness())
    }

    /// The next trace that has spans.
    async fn next_trace(&mut self) -> Result<Option<Trace>, ReadError> {
        loop {
            while let Some(trace) = self.read.pop_front() {
                if !trace.spans.is_empty() || trace.more.is_some() {
                    return Ok(Some(trace));
                }
            }
            if self.wanted.is_empty() {
                return Ok(None);
            }
            self.read_group().await?;
        }
    }

    /// Reads the first pages of the next few traces.
    async fn read_group(&mut self) -> Result<(), ReadError> {
        loop {
            let group: Vec<_> = self.wanted.iter().take(self.pace.group).copied().collect();
            match self.first_pages(&group).await {
                Ok(mut read) => {
                    self.look_everywhere(&mut read).await?;
                    self.wanted.drain(..group.len());
                    self.read = read.into();
                    return Ok(());
                }
                Err(Error::TooLarge(_)) if self.pace.slow_down(group.len()) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    async fn first_pages(&mut self, group: &[(GetTrace, Window)]) -> Result<Vec<Trace>, Error> {
        let size = self.pace.page(group.len());
        let search = |(get, window): &(GetTrace, Window)| {
            let body = body(get.trace_id, self.reader.within(*window), None, size);
            let documents = &self.reader.searches.documents;
            (
                self.reader.indices(*window),
                self.detail.ask(body, documents),
            )
        };
        let searches = &self.reader.searches;
        let answer = searches
            .ask_several(self.cx, group.iter().map(search).collect())
            .await?;
        let pages = self.pages(answer, Some(group.len())).await?;
        let times = group.iter().map(|(_, window)| window.times());
        let left_out = self
            .reader
            .left_out(self.cx, &self.reader.names.spans, times);
        self.trouble.add(left_out.await);
        let traces = group.iter().zip(pages).map(|((get, window), page)| {
            let mut trace = Trace {
                get: *get,
                window: *window,
                spans: VecDeque::new(),
                seen: Seen::default(),
                more: None,
            };
            self.trouble.add(trace.add(page, size));
            trace
        });
        Ok(traces.collect())
    }

    /// What was not found where it was said to be.
    async fn look_everywhere(&mut self, read: &mut [Trace]) -> Result<(), ReadError> {
        let everywhere = self.reader.everywhere(now_ns());
        let is_missed = |trace: &&mut Trace| {
            trace.window.is_hint && trace.spans.is_empty() && trace.more.is_none()
        };
        let mut missed: Vec<_> = read.iter_mut().filter(is_missed).collect();
        for some in missed.chunks_mut(MAX_GROUP) {
            let mut at = 0;
            while at < some.len() {
                let group = some.iter().skip(at).take(self.pace.group);
                let group: Vec<_> = group.map(|trace| (trace.get, everywhere)).collect();
                match self.first_pages(&group).await {
                    Ok(found) => {
                        for (missed, found) in some.iter_mut().skip(at).zip(found) {
                            **missed = found;
                        }
                        at += group.len();
                    }
                    Err(Error::TooLarge(_)) if self.pace.slow_down(group.len()) => {}
                    Err(error) => return Err(failed(error)),
                }
            }
        }
        Ok(())
    }

    async fn read_on(&mut self, trace: &mut Trace, after: Position) -> Result<(), ReadError> {
        loop {
            let size = self.pace.page(1);
            let within = self.reader.within(trace.window);
            let body = body(trace.get.trace_id, within, Some(&after), size);
            let body = self.detail.ask(body, &self.reader.searches.documents);
            let indices = self.reader.indices(trace.window);
            let answer = self.reader.searches.ask(self.cx, &indices, body).await;
            let pages = match answer {
                Ok(answer) => self.pages(answer, None).await,
                Err(error) => Err(error),
            };
            let page = match pages {
                Ok(pages) => pages.into_iter().next(),
                Err(Error::TooLarge(_)) if self.pace.slow_down(1) => continue,
                Err(error) => return Err(failed(error)),
            };
            let Some(page) = page else { return Ok(()) };
            // more spans at one place than a page has: they cannot be told apart
            let is_stuck = page.hits >= size && page.last.as_ref() == Some(&after);
            self.trouble.add(trace.add(page, size));
            if is_stuck {
                trace.more = None;
                let id = trace.get.trace_id;
                self.trouble.note(format!(
                    "trace {id} was cut where {size} spans share one place"
                ));
            }
            return Ok(());
        }
    }

    /// Reads the answer to one search, or to several.
    async fn pages(
        &mut self,
        answer: Buffer,
        several_of: Option<usize>,
    ) -> Result<Vec<Page>, Error> {
        let bytes = answer.as_bytes().len();
        let (searches, detail) = (self.reader.searches.clone(), self.detail);
        let pages = read(answer, move |answer| {
            let answers = match several_of {
                Some(count) => several(answer, count, searches.shown())?,
                None => vec![one(answer, searches.shown())?],
            };
            let mut decoder = Decoder::new(answer, &searches.documents);
            let answers = answers.into_iter();
            let pages = answers.map(|a| Page::read(a, detail, &mut decoder, &searches.metrics));
            Ok(pages.collect::<Vec<_>>())
        })
        .await?;
        let hits: usize = pages.iter().map(|page| page.hits).sum();
        self.pace.learn(bytes, hits);
        Ok(pages)
    }
}

// === impl Trace ===

impl Trace {
    /// Adds what `page` has that was not seen; whether there is more is seen by its being full.
    fn add(&mut self, page: Page, size: usize) -> Trouble {
        self.spans.extend(self.seen.new_of(page.spans));
        self.more = page.last.filter(|_| page.hits >= size);
        page.trouble
    }
}

// === impl Pace ===

impl Pace {
    /// Documents of each page, when so many are asked for together.
    fn page(&self, together: usize) -> usize {
        let fit = PAGE_BYTES / self.each.max(1) / together.max(1);
        fit.max(MIN_PAGE).min(self.most)
    }

    fn learn(&mut self, bytes: usize, hits: usize) {
        if hits >= MIN_PAGE {
            self.each = bytes / hits;
        }
    }

    /// Asks for less from now on than for so many together; false: for less than this there is nothing.
    fn slow_down(&mut self, together: usize) -> bool {
        if together > 1 {
            self.group = together / 2;
            return true;
        }
        let page = self.page(1);
        self.most = (page / 2).max(1);
        page > 1
    }
}
