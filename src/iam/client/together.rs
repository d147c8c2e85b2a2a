//! Several calls at once, on one thread.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Runs futures, at most `most` at a time. `done` gets each output as soon as it is ready, with the future's index.
pub(super) async fn together<F: Future>(
    futures: impl IntoIterator<Item = F>,
    most: usize,
    done: &mut dyn FnMut(usize, F::Output),
) {
    let mut waiting = futures.into_iter().enumerate();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    poll_fn(|context| {
        loop {
            while running.len() < most
                && let Some((place, future)) = waiting.next()
            {
                running.push((place, Box::pin(future)));
            }
            let before = running.len();
            running.retain_mut(|(place, future)| match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    done(*place, output);
                    false
                }
                Poll::Pending => true,
            });
            if running.len() == before {
                // No future made progress, or no future remains.
                return if before == 0 { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::together;

    #[test]
    fn all_futures_run_and_never_more_than_the_limit_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (now, most) = (Cell::new(0), Cell::new(0));
        let one = async |number: u64| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::time::sleep(Duration::from_millis(number % 3)).await;
            now.set(now.get() - 1);
            number * 10
        };
        let mut told = Vec::new();
        runtime.block_on(together((0..40).map(one), 5, &mut |place, output| told.push((place as u64, output))));
        assert_eq!((most.get(), now.get()), (5, 0));
        told.sort_unstable();
        assert_eq!(told, (0..40).map(|number| (number, number * 10)).collect::<Vec<_>>());
        runtime.block_on(together(std::iter::empty::<std::future::Ready<()>>(), 5, &mut |_, ()| {
            panic!("no future was given")
        }));
    }
}
