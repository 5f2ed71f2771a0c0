import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';

/** Looks at a screen as axe does: wide and light, then dark and squeezed into the narrowest phone. */
export async function inspect(page: Page, screen: string): Promise<void> {
  await test.step(screen, async () => {
    const wide = page.viewportSize() ?? { width: 1200, height: 800 };
    for (const [width, colorScheme] of [[wide.width, 'light'], [320, 'dark']] as const) {
      await page.setViewportSize({ width, height: wide.height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Colours on their way from one theme to the other are nobody's choice. They are ended rather than awaited: a page
      // that is not in front may draw no frames, and what is never drawn never finishes.
      await page.evaluate(() => {
        for (const animation of document.getAnimations()) if (animation instanceof CSSTransition) animation.finish();
      });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
      expect(found, `${screen}, ${colorScheme}, ${width} px`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${screen} scrolls sideways at ${width} px`).toBe(0);
    }
    await page.setViewportSize(wide);
  });
}
